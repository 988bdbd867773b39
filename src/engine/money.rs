//! Exact money: integer nano-units (10^-9) of one currency.
//!
//! No float is read, kept or summed. One call costs at most `i64::MAX` nano-units (9.2 billion
//! units); sums are `i128`. A price with more than nine decimals is rounded once, half to even,
//! when it is read.

use std::fmt;

/// Nano-units in one unit of currency.
const NANOS: i128 = 1_000_000_000;

/// The ISO 4217 codes in use, sorted. `XXX` and the metals are left out: they are not money here.
const CODES: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD \
    CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD \
    HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD \
    MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG \
    QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD \
    TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG";

/// A currency by its ISO 4217 code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

/// Why a text is not money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not a decimal number.
    #[error("not a decimal number")]
    Malformed,
    /// Below zero.
    #[error("an amount can't be negative")]
    Negative,
    /// Above 9,223,372,036.854775807 units.
    #[error("above 9223372036.854775807, the most one call can cost")]
    TooLarge,
    /// Not an ISO 4217 code.
    #[error("not an ISO 4217 currency code such as USD or CNY")]
    UnknownCurrency,
}

impl Currency {
    /// US dollars, the default where a sender names none.
    pub const USD: Self = Self(*b"USD");

    /// Looks a code up, in either case. `RMB`, which gateways write for the yuan, is `CNY`.
    ///
    /// # Errors
    /// [`MoneyError::UnknownCurrency`].
    pub fn parse(code: &str) -> Result<Self, MoneyError> {
        let bytes: [u8; 3] = code.trim().as_bytes().try_into().map_err(|_| MoneyError::UnknownCurrency)?;
        let upper = bytes.map(|b| b.to_ascii_uppercase());
        match &upper {
            b"USD" => Ok(Self::USD),
            b"RMB" => Ok(Self(*b"CNY")),
            _ if CODES.split_ascii_whitespace().any(|known| known.as_bytes() == upper) => Ok(Self(upper)),
            _ => Err(MoneyError::UnknownCurrency),
        }
    }

    /// The three capital letters.
    #[must_use]
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).expect("made of ASCII letters")
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// What one call cost: not negative, at most `i64::MAX` nano-units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Money {
    /// Nano-units, `0..=i64::MAX`.
    pub nanos: i64,
    /// Of this currency.
    pub currency: Currency,
}

impl Money {
    /// Reads a decimal such as `0.00421`, `1.2e-5` or `3`, exactly to nine decimals and rounded
    /// half to even beyond them.
    ///
    /// # Errors
    /// [`MoneyError`]: not a number (`nan` and `inf` are not), negative, or too large.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let nanos = parse_units(text.trim(), 9)?;
        Ok(Self { nanos: i64::try_from(nanos).map_err(|_| MoneyError::TooLarge)?, currency })
    }
}

/// A sum of nano-units as a decimal string with nine decimals: `12.904310000`.
#[must_use]
pub fn decimal(nanos: i128) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let nanos = nanos.unsigned_abs();
    let unit = NANOS.unsigned_abs();
    format!("{sign}{}.{:09}", nanos / unit, nanos % unit)
}

/// Reads a decimal as units of 10^-`places`: digits and a power of ten, then one rounding. `digits`
/// stops growing after 30 significant digits; what is cut off is remembered as `sticky`, so that
/// rounding stays exact.
pub(crate) fn parse_units(text: &str, places: i64) -> Result<i128, MoneyError> {
    let (negative, text) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], parse_exponent(&text[at + 1..])?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return Err(MoneyError::Malformed);
    }
    let (mut digits, mut scale, mut sticky) = (0_i128, exponent, false);
    for (byte, after_point) in whole.bytes().map(|b| (b, false)).chain(fraction.bytes().map(|b| (b, true))) {
        if !byte.is_ascii_digit() {
            return Err(MoneyError::Malformed);
        }
        if digits < 10_i128.pow(30) {
            digits = digits * 10 + i128::from(byte - b'0');
            scale -= i64::from(after_point);
        } else {
            sticky |= byte != b'0';
            scale += i64::from(!after_point);
        }
    }
    if digits == 0 {
        return Ok(0);
    }
    if negative {
        return Err(MoneyError::Negative);
    }
    scaled(digits, scale.saturating_add(places), sticky)
}

/// An exponent clamped to where it no longer matters.
fn parse_exponent(text: &str) -> Result<i64, MoneyError> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(MoneyError::Malformed);
    }
    let size = digits.bytes().fold(0_i64, |n, b| (n * 10 + i64::from(b - b'0')).min(1_000_000));
    Ok(if text.starts_with('-') { -size } else { size })
}

/// `digits * 10^power`, rounded half to even.
fn scaled(digits: i128, power: i64, sticky: bool) -> Result<i128, MoneyError> {
    if power >= 0 {
        let factor = u32::try_from(power).ok().and_then(|p| 10_i128.checked_pow(p));
        return factor.and_then(|f| digits.checked_mul(f)).ok_or(MoneyError::TooLarge);
    }
    let Some(divisor) = u32::try_from(-power).ok().and_then(|p| 10_i128.checked_pow(p)) else {
        return Ok(0);
    };
    let (whole, rest) = (digits / divisor, digits % divisor);
    let twice = rest * 2;
    let up = twice > divisor || (twice == divisor && (sticky || whole % 2 == 1));
    Ok(whole + i128::from(up))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rust_decimal::Decimal;
    use rust_decimal::RoundingStrategy;
    use std::str::FromStr;

    proptest! {
        #[test]
        fn every_decimal_reads_as_another_library_reads_it(whole in 0_u64..9_000_000_000, fraction in "[0-9]{0,15}", exponent in -6_i32..4) {
            let text = format!("{whole}.{fraction}e{exponent}");
            let exact = Decimal::from_str(&format!("{whole}.{fraction}0")).unwrap();
            let exact = if exponent < 0 { exact / Decimal::from(10_u64.pow(exponent.unsigned_abs())) } else { exact * Decimal::from(10_u64.pow(exponent.unsigned_abs())) };
            let rounded = exact.round_dp_with_strategy(9, RoundingStrategy::MidpointNearestEven) * Decimal::from(1_000_000_000);
            let expected = i64::try_from(rounded.trunc().mantissa() / 10_i128.pow(rounded.trunc().scale()));
            prop_assert_eq!(nanos(&text).ok(), expected.ok(), "{}", text);
        }
    }

    fn nanos(text: &str) -> Result<i64, MoneyError> {
        Money::parse(text, Currency::USD).map(|m| m.nanos)
    }

    #[test]
    fn nine_decimals_are_exact() {
        assert_eq!(nanos("0.00004"), Ok(40_000));
        assert_eq!(nanos("1.2345e-5"), Ok(12_345));
        assert_eq!(nanos("9223372036.854775807"), Ok(i64::MAX));
        assert_eq!(nanos("1E3"), Ok(1_000_000_000_000));
        assert_eq!(nanos(".5"), Ok(500_000_000));
        assert_eq!(nanos("5."), Ok(5_000_000_000));
        assert_eq!(nanos("0e999999999999"), Ok(0));
        assert_eq!(nanos("-0.0"), Ok(0));
    }

    #[test]
    fn beyond_nine_decimals_it_rounds_once_half_to_even() {
        assert_eq!(nanos("0.0000000005"), Ok(0));
        assert_eq!(nanos("0.0000000015"), Ok(2));
        assert_eq!(nanos("0.00000000050000000000000000000000000000000000001"), Ok(1));
        assert_eq!(nanos("1e-40"), Ok(0));
        assert_eq!(nanos("1e-9000000000000000000000"), Ok(0));
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in ["", ".", "nan", "inf", "1e", "1e+", "0x1", "1_000", "1,5", "--1", "one", "1e5.5"] {
            assert_eq!(nanos(text), Err(MoneyError::Malformed), "{text}");
        }
        assert_eq!(nanos("-0.1"), Err(MoneyError::Negative));
        for text in ["9223372036.854775808", "1e999", "99999999999999999999999999999999999999999"] {
            assert_eq!(nanos(text), Err(MoneyError::TooLarge), "{text}");
        }
    }

    #[test]
    fn currencies_are_looked_up() {
        assert_eq!(Currency::parse("usd"), Ok(Currency::USD));
        assert_eq!(Currency::parse("RMB").unwrap().code(), "CNY");
        for code in ["", "0.001", "US", "USDT", "XXX", "€", "ZZZ"] {
            assert!(Currency::parse(code).is_err(), "{code}");
        }
    }

    #[test]
    fn sums_print_as_decimals() {
        assert_eq!(decimal(1_289_000), "0.001289000");
        assert_eq!(decimal(-1), "-0.000000001");
        assert_eq!(decimal(i128::from(i64::MAX) * 3), "27670116110.564327421");
    }
}
