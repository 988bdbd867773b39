"""The results as plain text: what was run, and a table with a column for each system."""

import questions

TITLES = {question.name: question.title for question in questions.questions(0, "")}


def figure(value: float | None) -> str:
    """Three digits that count."""
    if value is None:
        return "-"
    digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 0.1 else 3
    return f"{value:,.{digits}f}"


def rate(measured: dict | None) -> str:
    return figure(measured and measured["events_per_second"] / 1e6)


def pair(times: dict | None) -> str:
    return f"{figure(times['median_ms'])} / {figure(times['p95_ms'])}" if times else "-"


def answer(question: dict) -> str:
    """Median and p95, marked where the answer is not exact."""
    if "median_ms" not in question:
        return "cannot say"
    mark = {"equal": "", "within": " ~"}.get(question["verdict"].split()[0], " WRONG")
    return pair(question) + mark


def back(revived: dict | None) -> str:
    if revived is None:
        return "-"
    return figure(revived["seconds"]) + (f", lost {revived['lost']}" if revived["lost"] else "")


def rows(results: list[dict]) -> list[list[str]]:
    """The lines of the table: a title and a cell for each result."""
    def line(title, cell):
        return [title, *map(cell, results)]

    lines = [
        line("asked by", lambda r: r["transport"].split(",")[0]),
        line("bulk load of history, M events/s", lambda r: rate(r["bulk"])),
        line("  processor time of it, s", lambda r: figure(r["bulk"]["cpu_seconds"])),
        line("  prepared by the client before, s", lambda r: figure(r["bulk"]["prepared"])),
        line("1,000 calls a batch, durable, M calls/s", lambda r: rate(r["one"])),
        line("  a batch, ms", lambda r: pair(r["one"])),
        line("  by 4 writers, M calls/s", lambda r: rate(r.get("several"))),
        line("1 call a batch, durable, ms", lambda r: pair(r["one"]["single"])),
        line("seen after its receipt, ms", lambda r: pair(r["seen_after"])),
        line("killed (-9): answers again after, s", lambda r: back(r.get("revived"))),
        line("disk, MB", lambda r: figure(r["disk_mb"])),
        line("memory after the load, MB", lambda r: figure(r["memory_loaded_mb"])),
        line("memory after the questions, MB", lambda r: figure(r["memory_asked_mb"])),
        line("nothing: the way there and back, ms", lambda r: pair(r["nothing"])),
    ]
    lines += [line(f"{title}, ms", lambda r: answer(r["questions"][name])) for name, title in TITLES.items()]
    return [*lines, line("by model: 24 h, while 1 writer sends batches, ms", lambda r: pair(r["while_writing"]))]


def aligned(lines: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines)]
    return "\n".join("  ".join([line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in
                                                           zip(line[1:], widths[1:]))]).rstrip() for line in lines)


def about(name: str, result: dict) -> list[str]:
    """What is to be known of a column."""
    lines = [f"{name}: {result['version']}; {result['transport']}",
             f"  bulk: {result['bulk']['how']}; afterwards settled for {figure(result['settle_seconds'])} s",
             f"  a batch: {result['durable']}", f"  {result['settings']}"]
    lines += [f"  also: {extra['title']}: {rate(extra)} M events/s" for extra in result.get("extras", {}).values()]
    lines += [f"  {TITLES[question]}: {told['verdict']}" for question, told in result["questions"].items()
              if told["verdict"] != "equal"]
    return lines


def text(results: dict[str, dict]) -> str:
    """The whole report; systems that could not be run are named."""
    ran = {name: result for name, result in results.items() if "bulk" in result}
    lines = []
    for name, result in results.items():
        if name not in ran:
            lines.append(f"skipped: {name}: {result.get('missing') or result['failed']}")
    if not ran:
        return "\n".join(lines)
    first = next(iter(ran.values()))
    m = first["machine"]
    lines += [f"{first['events']:,} events; {first['when']}; {m['cpu']}, {m['cores']} cores, {m['memory_mb']:,} MB, "
              f"{m['filesystem']}, Linux {m['kernel']}, Python {m['python']}",
              f"load average before each: {', '.join(str(r['machine']['load']) for r in ran.values())}", ""]
    lines += [aligned([["median / p95", *ran], *rows(list(ran.values()))]), "",
              "Every answer was compared with a count of the same events in plain Python. Those unmarked are equal,",
              "quantiles of the nearest rank or the one beside. ~ is not exact: how far off is told below.", ""]
    for name, result in ran.items():
        lines += about(name, result)
    return "\n".join(lines)
