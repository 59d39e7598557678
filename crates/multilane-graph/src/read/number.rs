//! Numbers in text, many digits at a time.
//!
//! Eight bytes are looked at together; what is longer, signed or otherwise unusual takes the plain way.

/// The number that the first bytes of `word` spell, and how many digits it has: at most 8, none for anything else.
///
/// The first byte of the text is the lowest of `word`.
#[inline(always)]
pub(super) fn digits(word: u64) -> (u64, usize) {
    // Digits become 0 to 9. A byte above 9 gets its high bit set, and cannot disturb the bytes before it.
    let values = word ^ 0x3030_3030_3030_3030;
    let others = (values.wrapping_add(0x7676_7676_7676_7676) | values) & 0x8080_8080_8080_8080;
    let count = others.trailing_zeros() as usize / 8;
    if count == 0 {
        return (0, 0);
    }
    // Zeros in front, then pairs, fours and eights of digits are joined.
    let values = values << (64 - 8 * count);
    let pairs = (values.wrapping_mul(10) + (values >> 8)) & 0x00FF_00FF_00FF_00FF;
    let fours = (pairs.wrapping_mul(100) + (pairs >> 16)) & 0x0000_FFFF_0000_FFFF;
    let number = (fours.wrapping_mul(10_000) + (fours >> 32)) & 0xFFFF_FFFF;
    (number, count)
}

/// Eight bytes from `at` on, the first of them lowest.
#[inline(always)]
pub(super) fn word(text: &[u8], at: usize) -> u64 {
    let bytes = text[at..at + 8].try_into().expect("a range of eight");
    u64::from_le_bytes(bytes)
}

/// A number without sign that is all of `token`.
pub(super) fn integer(token: &[u8]) -> Option<u64> {
    if token.is_empty() {
        return None;
    }
    token.iter().try_fold(0u64, |number, &byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// A float that is all of `token`; infinities and NaN have names.
pub(super) fn float(token: &[u8]) -> Option<f64> {
    str::from_utf8(token).ok()?.parse().ok()
}

/// The float at `at` when it is plain and ends with the line: digits, and perhaps a point and more digits.
///
/// Gives its value and where the line ends. There must be 24 bytes from `at` on.
#[inline(always)]
pub(super) fn plain_float(text: &[u8], at: usize) -> Option<(f64, usize)> {
    /// Powers of ten are exact this far, so that one division rounds once.
    const TENS: [u64; 9] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];
    let (whole, count) = digits(word(text, at));
    let end = at + count;
    if count == 0 {
        return None;
    }
    if text[end] == b'\n' {
        return Some((whole as f64, end));
    }
    if text[end] != b'.' {
        return None;
    }
    let (part, count) = digits(word(text, end + 1));
    let end = end + 1 + count;
    let all = whole * TENS[count] + part;
    // Integers above 2^53 are not all floats.
    (count > 0 && all <= 1 << 53 && text[end] == b'\n').then(|| (all as f64 / TENS[count] as f64, end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn eight_bytes_are_read_as_their_digits(text in prop::array::uniform8(prop_oneof![b'0'..=b'9', any::<u8>()])) {
            let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let (number, found) = digits(word(&text, 0));
            prop_assert_eq!(found, count);
            prop_assert_eq!(number, integer(&text[..count]).unwrap_or(0));
        }

        #[test]
        fn plain_floats_are_read_as_any_float_is(text in "[0-9]{1,9}(\\.[0-9]{0,9})?[ e\n]") {
            let padded = format!("{text}{:30}", "");
            let token = &text.as_bytes()[..text.len() - 1];
            if let Some((number, end)) = plain_float(padded.as_bytes(), 0) {
                prop_assert_eq!(Some(number), float(token));
                prop_assert_eq!(end, token.len());
            } else {
                prop_assert!(!text.ends_with('\n') || token.len() > 8 || token.ends_with(b"."));
            }
        }
    }

    #[test]
    fn integers_are_digits_and_nothing_else() {
        assert_eq!(integer(b"18446744073709551615"), Some(u64::MAX));
        for token in ["", "18446744073709551616", "-1", "+1", "1.0", "1e3", " 1", "0x1"] {
            assert_eq!(integer(token.as_bytes()), None, "{token}");
        }
    }
}
