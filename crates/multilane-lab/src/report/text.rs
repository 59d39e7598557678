//! Turns values into the words and figures that a reader sees.
//!
//! Escapes every string that came from outside, and formats times, ratios and shares the same way everywhere.

/// What stands where a number is missing.
const NONE: &str = "\u{2013}";

/// Makes every character of `text` stand for itself.
///
/// Control and bidirectional-override characters become U+FFFD: in a file name or a function name they could
/// rearrange the sentence around them.
pub(super) fn visible(text: &str) -> String {
    let replace = |character: char| match character {
        '\n' | '\t' => character,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        _ if character.is_control() => '\u{fffd}',
        _ => character,
    };
    text.chars().map(replace).collect()
}

/// Makes `text` visible, and safe between tags and inside a quoted attribute.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in visible(text).chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(character),
        }
    }
    safe
}

/// Escapes a sentence and sets what stands between backticks as code.
pub(super) fn prose(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    // An odd backtick has no partner: then none is taken for a mark.
    if parts.len().is_multiple_of(2) {
        return escape(text);
    }
    let set = |(index, part): (usize, &&str)| match index % 2 {
        1 => format!("<code>{}</code>", escape(part)),
        _ => escape(part),
    };
    parts.iter().enumerate().map(set).collect()
}

/// Writes `value` as JSON that can stand inside a `<script>` element: no `<`, `>` or `&` is left in it.
pub(super) fn script_json(value: &serde_json::Value) -> String {
    value
        .to_string()
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

/// Three significant figures, without an exponent: `0.98`, `1.94`, `12.3`, `1,940`.
pub(super) fn figure(value: f64) -> String {
    if !value.is_finite() {
        return NONE.to_owned();
    }
    let digits = match value.abs() {
        size if size < 9.995 => 2,
        size if size < 99.95 => 1,
        _ => return whole(value.round() as i64),
    };
    format!("{value:.digits$}")
}

/// A count with thousands separated: `100,000`.
pub(super) fn whole(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if value < 0 {
        format!("\u{2212}{grouped}")
    } else {
        grouped
    }
}

/// A count and its noun, in the plural where English wants it: `1 task`, `8 tasks`, `0 tasks`.
pub(super) fn count(value: usize, noun: &str) -> String {
    let number = whole(i64::try_from(value).unwrap_or(i64::MAX));
    if value == 1 {
        format!("{number} {noun}")
    } else {
        format!("{number} {noun}s")
    }
}

/// A length of time with its unit: `14.0 µs`, `412 ms`, `2.13 s`, `3 min 20 s`.
pub(super) fn duration(nanoseconds: f64) -> String {
    if !nanoseconds.is_finite() {
        return NONE.to_owned();
    }
    let size = nanoseconds.abs();
    let (scaled, unit) = match size {
        _ if size == 0.0 => return "0 s".to_owned(),
        _ if size < 999.5 => (nanoseconds, "ns"),
        _ if size < 999.5e3 => (nanoseconds / 1e3, "\u{b5}s"),
        _ if size < 999.5e6 => (nanoseconds / 1e6, "ms"),
        _ if size < 59.95e9 => (nanoseconds / 1e9, "s"),
        _ => {
            let seconds = (nanoseconds / 1e9).round() as i64;
            return format!("{}\u{a0}min {}\u{a0}s", whole(seconds / 60), (seconds % 60).abs());
        }
    };
    format!("{}\u{a0}{unit}", figure(scaled))
}

/// A share of one as a percentage: `96 %`, `0.4 %`, `< 0.1 %`.
pub(super) fn percent(share: f64) -> String {
    let hundred = share * 100.0;
    match hundred.abs() {
        _ if !hundred.is_finite() => NONE.to_owned(),
        _ if hundred == 0.0 => "0\u{a0}%".to_owned(),
        size if size < 0.05 => "<\u{a0}0.1\u{a0}%".to_owned(),
        size if size < 9.95 => format!("{hundred:.1}\u{a0}%"),
        _ => format!("{hundred:.0}\u{a0}%"),
    }
}

/// A factor: `1.94×`.
pub(super) fn times(factor: f64) -> String {
    let number = figure(factor);
    if number == NONE {
        number
    } else {
        format!("{number}\u{d7}")
    }
}

/// A size in bytes with a binary unit: `7.75 GiB`.
pub(super) fn bytes(size: u64) -> String {
    let mut scaled = size as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if scaled < 1000.0 {
            let number = if unit == "B" {
                whole(scaled as i64)
            } else {
                figure(scaled)
            };
            return format!("{number}\u{a0}{unit}");
        }
        scaled /= 1024.0;
    }
    format!("{}\u{a0}TiB", figure(scaled))
}

/// A position or a width as a CSS percentage, within the figure it belongs to.
pub(super) fn place(share: f64) -> String {
    let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
    format!("{:.3}%", share * 100.0)
}

/// Round values from zero that cover `end` in about `wanted` steps (1, 2 or 5 times a power of ten).
pub(super) fn ticks(end: f64, wanted: usize) -> Vec<f64> {
    if !end.is_finite() || end <= 0.0 {
        return vec![0.0];
    }
    let raw = end / wanted.max(1) as f64;
    let magnitude = 10f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * magnitude)
        .find(|step| *step >= raw * 0.999)
        .unwrap_or(raw);
    (0..=wanted * 4)
        .map(|index| index as f64 * step)
        .take_while(|tick| *tick <= end * 1.000_001)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_could_leave_text_or_an_attribute() {
        assert_eq!(
            escape("</script>\"'&\u{202e}\0"),
            "&lt;/script&gt;&quot;&#39;&amp;\u{fffd}\u{fffd}"
        );
        assert_eq!(prose("use `a<b>` here"), "use <code>a&lt;b&gt;</code> here");
        assert_eq!(prose("one ` only <"), "one ` only &lt;");
        let json = script_json(&serde_json::json!({"name": "</script><!--&\u{2028}"}));
        assert!(!json.contains(['<', '>', '&', '\u{2028}']));
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&json).unwrap()["name"],
            "</script><!--&\u{2028}"
        );
    }

    #[test]
    fn writes_numbers_with_three_figures_at_most() {
        let cases = [
            (0.0, "0.00"),
            (0.984, "0.98"),
            (9.996, "10.0"),
            (99.96, "100"),
            (123_456.0, "123,456"),
        ];
        for (value, expect) in cases {
            assert_eq!(figure(value), expect);
        }
        assert_eq!(figure(f64::NAN), NONE);
        assert_eq!(times(f64::INFINITY), NONE);
        assert_eq!(whole(-1_000), "\u{2212}1,000");
        assert_eq!(
            [count(1, "task"), count(0, "task"), count(2, "task")],
            ["1 task", "0 tasks", "2 tasks"]
        );
    }

    #[test]
    fn writes_durations_in_the_unit_a_reader_expects() {
        let cases = [
            (0.0, "0 s"),
            (14_000.0, "14.0 µs"),
            (999_900.0, "1.00 ms"),
            (2.13e9, "2.13 s"),
            (200e9, "3 min 20 s"),
        ];
        for (value, expect) in cases {
            assert_eq!(duration(value).replace('\u{a0}', " "), expect);
        }
    }

    #[test]
    fn writes_shares_and_sizes() {
        let shares = [
            (0.0, "0 %"),
            (0.0001, "< 0.1 %"),
            (0.004, "0.4 %"),
            (0.961, "96 %"),
            (1.0, "100 %"),
        ];
        for (share, expect) in shares {
            assert_eq!(percent(share).replace('\u{a0}', " "), expect);
        }
        assert_eq!(bytes(8_321_499_136).replace('\u{a0}', " "), "7.75 GiB");
        assert_eq!(place(f64::NAN), "0.000%");
    }

    #[test]
    fn places_ticks_on_round_values() {
        assert_eq!(ticks(412.0, 5), [0.0, 100.0, 200.0, 300.0, 400.0]);
        assert_eq!(ticks(2.0, 4), [0.0, 0.5, 1.0, 1.5, 2.0]);
        assert_eq!(ticks(0.0, 4), [0.0]);
        assert_eq!(ticks(f64::NAN, 4), [0.0]);
    }
}
