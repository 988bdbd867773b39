//! The usual form of RFC 3339: `2026-11-22T12:00:00Z`, with a fraction of one to nine digits or none.

/// Microseconds since the epoch of a time in the usual form, cut below the microsecond; `None` for
/// every other text, be it a time or not.
#[inline]
pub(super) fn micros(text: &str) -> Option<i64> {
    let (time, fraction) = text.as_bytes().strip_suffix(b"Z")?.split_first_chunk::<19>()?;
    let mut faults = 0;
    let mut pair = |place: usize| {
        let (tens, ones) = (time[place].wrapping_sub(b'0'), time[place + 1].wrapping_sub(b'0'));
        faults |= u8::from(tens > 9) | u8::from(ones > 9);
        i64::from(tens) * 10 + i64::from(ones)
    };
    let year = pair(0) * 100 + pair(2);
    let [month, day, hour, minute, second] = [5, 8, 11, 14, 17].map(pair);
    let marks = [time[4], time[7], time[10], time[13], time[16]];
    let sound = faults == 0 && marks == *b"--T::" && hour < 24 && minute < 60 && second < 60;
    let secs = day_of(year, month, day).filter(|_| sound)? * 86_400 + hour * 3_600 + minute * 60 + second;
    Some(secs * 1_000_000 + below_second(fraction)?)
}

/// The day since the epoch, from 1970 on.
#[inline]
fn day_of(year: i64, month: i64, day: i64) -> Option<i64> {
    const LENGTHS: [i64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = LENGTHS.get(usize::try_from(month - 1).ok()?)? + i64::from(leap && month == 2);
    if year < 1970 || day < 1 || day > length {
        return None;
    }
    // Years are counted from March, so that the day that is there only in leap years is the last.
    let (year, month) = if month < 3 { (year - 1, month + 9) } else { (year, month - 3) };
    let before = year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5;
    Some(before + day - 1 - 719_468)
}

/// Microseconds of `.25` and the like.
#[inline]
fn below_second(fraction: &[u8]) -> Option<i64> {
    let Some((point, digits)) = fraction.split_first() else { return Some(0) };
    if *point != b'.' || !(1..=9).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = |place: usize| digits.get(place).map_or(0, |digit| i64::from(digit - b'0'));
    Some((0..6).fold(0, |micros, place| micros * 10 + value(place)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn general(text: &str) -> Option<i64> {
        text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_microsecond)
    }

    #[test]
    fn every_day_up_to_2400_is_read_as_another_library_reads_it() {
        let mut date = jiff::civil::date(1970, 1, 1);
        while date.year() <= 2400 {
            let text = format!("{date}T23:59:58.123456789Z");
            assert_eq!(micros(&text), general(&text), "{text}");
            assert!(micros(&text).is_some());
            date = date.tomorrow().unwrap();
        }
    }

    #[test]
    fn other_forms_are_left_to_others() {
        for text in [
            "",
            "Z",
            "2026-11-22",
            "2026-11-22T12:00:00",
            "2026-11-22T12:00:00+00:00",
            "2026-11-22t12:00:00Z",
            "2026-11-22 12:00:00Z",
            "2026-11-22T12:00:60Z",
            "2026-11-22T24:00:00Z",
            "2026-11-31T12:00:00Z",
            "2027-02-29T12:00:00Z",
            "2026-00-22T12:00:00Z",
            "2026-13-22T12:00:00Z",
            "2026-11-00T12:00:00Z",
            "1969-12-31T23:59:59Z",
            "2026-11-22T12:00:00.Z",
            "2026-11-22T12:00:00.1234567890Z",
            "2026-11-22T12:00:00,5Z",
            "２026-11-22T12:00:00Z",
            "2026-11-22T12:00:0:Z",
            "2026/11/22T12:00:00Z",
        ] {
            assert_eq!(micros(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_read_alike(
            date in "[0-9]{4}-[01][0-9]-[0-3][0-9]", time in "[T ]?[0-2][0-9]:[0-6][0-9]:[0-6][0-9]",
            fraction in "(\\.[0-9]{1,10})?", zone in "Z|z|[+-]0[0-9]:00|",
        ) {
            let text = format!("{date}{time}{fraction}{zone}");
            if let Some(read) = micros(&text) {
                prop_assert_eq!(Some(read), general(&text), "{}", text);
            }
        }
    }
}
