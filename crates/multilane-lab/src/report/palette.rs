//! The colours of the report: one per meaning, in a light and a dark value.
//!
//! Chosen after Okabe and Ito, so that readers with any common colour deficiency can tell them apart; the tests hold
//! them to the contrast that WCAG 2.2 asks for. Paper shows no dark theme: printing falls back to the light values.

/// A CSS custom property with its light and its dark value.
type Colour = (&'static str, &'static str, &'static str);

const COLOURS: &[Colour] = &[
    // The page.
    ("paper", "#fdfcf9", "#171614"),
    ("raised", "#f3f1ea", "#22211e"),
    ("rule", "#d8d4c9", "#3b3934"),
    ("ink", "#1c1b19", "#ece8e0"),
    ("quiet", "#5d5950", "#aaa499"),
    // A core at work on the user's function; and a task that is open without a core.
    ("useful", "#1d5fa8", "#86b9f0"),
    ("open", "#bccfe4", "#2f4763"),
    // What a worker waits for.
    ("interpreter", "#962a0c", "#ec7a52"),
    ("queue", "#826a06", "#f0cf58"),
    ("waiting", "#0f7a6b", "#3fd0ac"),
    // What multilane itself spends.
    ("packing", "#622370", "#c46fd8"),
    ("dispatch", "#9a5fa1", "#94619f"),
    // A worker without work.
    ("spare", "#7a766c", "#8f8a7f"),
    // A task or a check that failed.
    ("failed", "#a3153a", "#ff8098"),
];

/// Writes the colours as style rules: light, dark by the reader's system, and either by the reader's choice.
pub(super) fn rules() -> String {
    let declare = |pick: fn(&Colour) -> &'static str| -> String {
        COLOURS
            .iter()
            .map(|colour| format!("--{}:{};", colour.0, pick(colour)))
            .collect()
    };
    let (light, dark) = (declare(|colour| colour.1), declare(|colour| colour.2));
    format!(
        ":root{{color-scheme:light;{light}}}\n\
         @media screen and (prefers-color-scheme:dark){{:root:not([data-theme=light]){{color-scheme:dark;{dark}}}}}\n\
         @media screen{{:root[data-theme=dark]{{color-scheme:dark;{dark}}}}}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Red, green and blue as linear light.
    fn linear(hex: &str) -> [f64; 3] {
        [1, 3, 5].map(|at| {
            let channel = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
            if channel <= 0.04045 {
                channel / 12.92
            } else {
                ((channel + 0.055) / 1.055).powf(2.4)
            }
        })
    }

    /// The WCAG contrast ratio.
    fn contrast(one: &str, other: &str) -> f64 {
        let luminance = |hex| {
            let [red, green, blue] = linear(hex);
            0.2126 * red + 0.7152 * green + 0.0722 * blue
        };
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    fn themes() -> [Vec<(&'static str, &'static str)>; 2] {
        [
            COLOURS.iter().map(|(name, light, _)| (*name, *light)).collect(),
            COLOURS.iter().map(|(name, _, dark)| (*name, *dark)).collect(),
        ]
    }

    fn named(theme: &[(&'static str, &'static str)], wanted: &str) -> &'static str {
        theme.iter().find(|(name, _)| *name == wanted).unwrap().1
    }

    #[test]
    fn text_has_the_contrast_that_small_print_needs() {
        for theme in themes() {
            for background in ["paper", "raised"] {
                for text in [
                    "ink",
                    "quiet",
                    "useful",
                    "interpreter",
                    "queue",
                    "waiting",
                    "packing",
                    "failed",
                ] {
                    let ratio = contrast(named(&theme, text), named(&theme, background));
                    assert!(ratio >= 4.5, "{text} on {background}: {ratio:.2}");
                }
            }
        }
    }

    #[test]
    fn marks_stand_out_from_the_paper() {
        for theme in themes() {
            for mark in [
                "useful",
                "interpreter",
                "queue",
                "waiting",
                "packing",
                "dispatch",
                "spare",
                "failed",
            ] {
                let ratio = contrast(named(&theme, mark), named(&theme, "paper"));
                assert!(ratio >= 3.0, "{mark}: {ratio:.2}");
            }
            let ratio = contrast(named(&theme, "useful"), named(&theme, "open"));
            assert!(
                ratio >= 3.0,
                "the filled part of a task against the rest of it: {ratio:.2}"
            );
        }
    }

    /// The colour as an eye without green (deuteranope) or red (protanope) cones sees it (Viénot and others, 1999).
    fn deficient(hex: &str, protan: bool) -> [f64; 3] {
        let [red, green, blue] = linear(hex);
        if protan {
            let yellow = 0.112_38 * red + 0.887_62 * green;
            [yellow, yellow, 0.004_01 * red - 0.004_01 * green + blue]
        } else {
            let yellow = 0.292_75 * red + 0.707_25 * green;
            [yellow, yellow, -0.022_34 * red + 0.022_34 * green + blue]
        }
    }

    /// Distance in CIE L*a*b*.
    fn distance(one: [f64; 3], other: [f64; 3]) -> f64 {
        let lab = |[red, green, blue]: [f64; 3]| {
            let curve = |value: f64| {
                if value > 0.008_856 {
                    value.cbrt()
                } else {
                    7.787 * value + 16.0 / 116.0
                }
            };
            let x = curve((0.4124 * red + 0.3576 * green + 0.1805 * blue).max(0.0) / 0.9505);
            let y = curve((0.2126 * red + 0.7152 * green + 0.0722 * blue).max(0.0));
            let z = curve((0.0193 * red + 0.1192 * green + 0.9505 * blue).max(0.0) / 1.089);
            [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
        };
        let (one, other) = (lab(one), lab(other));
        one.iter()
            .zip(other)
            .map(|(left, right)| (left - right).powi(2))
            .sum::<f64>()
            .sqrt()
    }

    #[test]
    fn meanings_that_share_a_chart_stay_apart_for_colour_blind_readers() {
        let solid = ["useful", "interpreter", "queue", "waiting", "packing"];
        for theme in themes() {
            for (index, one) in solid.iter().enumerate() {
                for other in &solid[index + 1..] {
                    for protan in [false, true] {
                        let [left, right] = [one, other].map(|name| deficient(named(&theme, name), protan));
                        let apart = distance(left, right);
                        assert!(apart >= 10.0, "{one} and {other} (protan: {protan}): {apart:.1}");
                    }
                }
            }
        }
    }
}
