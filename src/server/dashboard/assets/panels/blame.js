// Why slow calls became more: arithmetic only.
//
// Slow is what takes longer than the 99th percentile did before. Were nothing changed, each group would again have as
// many slow calls as before, scaled to the number of calls now; what is above that is its part of the rise. The parts
// of all groups of a dimension add up to the whole rise, which p99s of groups never do.

/** A rise of less is not worth a reason. */
const LEAST_RISE = 0.1;

/** `{calls, slow}` of a latency with two bins: up to the limit, and above. */
const tally = (latency) => ({ calls: latency?.count ?? 0, slow: latency?.bins?.at(-1) ?? 0 });

/** The rest of a whole: for a moment against the range around it. */
export function without(whole, part) {
  return { calls: Math.max(whole.calls - part.calls, 0), slow: Math.max(whole.slow - part.slow, 0) };
}

/** The groups of an answer by name, `{calls, slow, p99}` now and, where it compares, before. */
export function groupsOf(answer, dimension) {
  return new Map(
    answer.data.map((row) => {
      const before = row.previous?.latency_ms;
      return [
        row.group[dimension],
        { now: { ...tally(row.latency_ms), p99: row.latency_ms.p99 }, before: { ...tally(before), p99: before?.p99 } },
      ];
    }),
  );
}

export const totalsOf = (answer) => ({
  now: tally(answer.totals.latency_ms),
  before: tally(answer.previous?.latency_ms),
});

/**
 * The groups: `share` is their part of the rise, `part` that of the calls, `ofSlow` that of the slow calls. `certain` is
 * whether the rise itself is more than chance.
 */
export function blame(groups, totals) {
  const scale = totals.before.calls > 0 ? totals.now.calls / totals.before.calls : 0;
  const rise = totals.now.slow - totals.before.slow * scale;
  const certain =
    totals.before.calls > 0 && sure(totals.now, totals.before, scale) && rise > totals.before.slow * scale * LEAST_RISE;
  const rows = [...groups].map(([value, { now, before }]) => ({
    value,
    now,
    before,
    share: rise > 0 ? (now.slow - before.slow * scale) / rise : 0,
    part: now.calls / (totals.now.calls || 1),
    partBefore: before.calls / (totals.before.calls || 1),
    ofSlow: now.slow / (totals.now.slow || 1),
    sure: sure(now, before, scale),
    cause: cause(now, before, scale),
  }));
  return { certain, rows };
}

/** Whether the excess is more than chance: some three standard deviations of two counts. */
function sure(now, before, scale) {
  return now.slow - before.slow * scale > 3 * Math.sqrt(now.slow + before.slow * scale * scale);
}

/** Whether a group itself became slower, or only has more of the calls than before. */
function cause(now, before, scale) {
  if (before.calls === 0) return "new";
  const more = (now.calls - before.calls * scale) * (before.slow / before.calls);
  const slower = now.calls * (now.slow / Math.max(now.calls, 1) - before.slow / before.calls);
  return slower >= more ? "slower" : "more";
}
