//! Fits throughput against workers: closed forms where there are some, a search over one knee where not.
//!
//! Errors are relative, so that a slow point counts as much as a quick one. Every parameter that cannot be negative
//! is kept from being so by trying each set of parameters at zero, which is exact for as few as there are.

use serde::{Deserialize, Serialize};

/// A shape that throughput may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Model {
    /// Each worker adds as much as the first.
    Linear,
    /// A part of the work is done by one worker at a time.
    Amdahl,
    /// Each worker adds the same, though less than the first.
    Gustafson,
    /// Contention, and a cost of agreement that grows with every pair of workers.
    Usl,
    /// Linear up to a limit, and flat from there.
    Plateau,
}

impl Model {
    /// All of them, those of fewer parameters first.
    pub const ALL: [Self; 5] = [Self::Linear, Self::Plateau, Self::Amdahl, Self::Gustafson, Self::Usl];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Amdahl => "Amdahl",
            Self::Gustafson => "Gustafson",
            Self::Usl => "Universal Scalability Law",
            Self::Plateau => "plateau",
        }
    }

    /// Names of the parameters, in their order.
    pub fn parameters(self) -> &'static [&'static str] {
        match self {
            Self::Linear => &["one_worker"],
            Self::Amdahl => &["one_worker", "serial_share"],
            Self::Gustafson => &["one_worker", "serial_share"],
            Self::Usl => &["one_worker", "contention", "coherency"],
            Self::Plateau => &["one_worker", "knee"],
        }
    }

    /// Throughput at `workers`.
    pub fn at(self, parameters: &[f64], workers: f64) -> f64 {
        let parameter = |index: usize| parameters.get(index).copied().unwrap_or(0.0);
        let (one, second) = (parameter(0), parameter(1));
        match self {
            Self::Linear => one * workers,
            Self::Amdahl => one * workers / (1.0 + second * (workers - 1.0)),
            Self::Gustafson => one * (second + (1.0 - second) * workers),
            Self::Usl => one * workers / (1.0 + (second + parameter(2) * workers) * (workers - 1.0)),
            Self::Plateau => one * workers.min(second),
        }
    }
}

/// The parameters that fit best; `None` with fewer points than parameters.
///
/// ```
/// use multilane_lab::{Model, fit_model};
/// let points: Vec<(f64, f64)> = [1.0, 2.0, 4.0, 8.0].map(|n| (n, 100.0 * n / (1.0 + 0.1 * (n - 1.0)))).to_vec();
/// let parameters = fit_model(Model::Amdahl, &points).unwrap();
/// assert!((parameters[0] - 100.0).abs() < 1e-6 && (parameters[1] - 0.1).abs() < 1e-9);
/// ```
pub fn fit_model(model: Model, points: &[(f64, f64)]) -> Option<Vec<f64>> {
    let usable = points
        .iter()
        .all(|(workers, throughput)| *workers >= 1.0 && *throughput > 0.0);
    if !usable || points.len() < model.parameters().len() {
        return None;
    }
    // A row of terms whose weighted sum is to be 1: what is fitted over what was measured.
    match model {
        Model::Linear => Some(non_negative(points, true, |n, x| [n / x])?.to_vec()),
        Model::Amdahl => {
            // x = a n / (1 + s (n-1)), so n / x = 1/a + s/a (n-1).
            let [first, second] = non_negative(points, true, |n, x| [x / n, (n - 1.0) * x / n])?;
            (first > 0.0).then(|| vec![1.0 / first, second / first])
        }
        Model::Gustafson => {
            let [fixed, each] = non_negative(points, false, |n, x| [1.0 / x, n / x])?;
            let one = fixed + each;
            (one > 0.0).then(|| vec![one, fixed / one])
        }
        Model::Usl => {
            let terms = |n: f64, x: f64| [x / n, (n - 1.0) * x / n, (n - 1.0) * x];
            let [first, second, third] = non_negative(points, true, terms)?;
            (first > 0.0).then(|| vec![1.0 / first, second / first, third / first])
        }
        Model::Plateau => Some(plateau(points)),
    }
}

/// Worker count at which the Universal Scalability Law peaks; `None` when it does not within any count.
pub fn usl_peak(parameters: &[f64]) -> Option<f64> {
    let [_, contention, coherency] = parameters else {
        return None;
    };
    (*coherency > 0.0 && *contention < 1.0).then(|| ((1.0 - contention) / coherency).sqrt())
}

/// The knee: for each pair of neighbouring counts that it may lie between, slope and height have closed forms.
pub fn plateau(points: &[(f64, f64)]) -> Vec<f64> {
    let mut sorted = points.to_vec();
    sorted.sort_by(|left, right| left.0.total_cmp(&right.0));
    // The best slope of a line through these terms: what is fitted over what was measured is to be 1.
    let slope = |terms: &mut dyn Iterator<Item = f64>| {
        let (sum, squares) = terms.fold((0.0, 0.0), |(sum, squares), term| (sum + term, squares + term * term));
        if squares > 0.0 { sum / squares } else { 0.0 }
    };
    let knees = (0..sorted.len()).map(|last| {
        let (rising, flat) = sorted.split_at(last + 1);
        let from = sorted[last].0;
        let to = flat.first().map_or(from, |point| point.0);
        let one = slope(&mut rising.iter().map(|(n, x)| n / x));
        let height = slope(&mut flat.iter().map(|(_, x)| 1.0 / x));
        if one > 0.0 {
            (height / one).clamp(from, to)
        } else {
            from
        }
    });
    let fitted = knees.map(|knee| {
        let one = slope(&mut sorted.iter().map(|(n, x)| n.min(knee) / x));
        let error: f64 = sorted.iter().map(|(n, x)| (one * n.min(knee) / x - 1.0).powi(2)).sum();
        (error, vec![one, knee])
    });
    fitted
        .min_by(|left, right| left.0.total_cmp(&right.0))
        .map_or_else(Vec::new, |best| best.1)
}

/// Least squares of `sum(weight * term) = 1` with no weight below zero.
fn non_negative<const N: usize>(
    points: &[(f64, f64)],
    first_needed: bool,
    terms: impl Fn(f64, f64) -> [f64; N],
) -> Option<[f64; N]> {
    let rows: Vec<[f64; N]> = points.iter().map(|(n, x)| terms(*n, *x)).collect();
    let mut best: Option<([f64; N], f64)> = None;
    // Bit `i` of the mask keeps parameter `i`.
    for mask in (1..1usize << N).filter(|mask| !first_needed || mask & 1 == 1) {
        let kept: Vec<usize> = (0..N).filter(|index| mask >> index & 1 == 1).collect();
        let Some(solved) = solve(&rows, &kept) else { continue };
        if solved.iter().any(|weight| *weight < 0.0) {
            continue;
        }
        let mut weights = [0.0; N];
        kept.iter()
            .zip(&solved)
            .for_each(|(index, weight)| weights[*index] = *weight);
        let error = rows
            .iter()
            .map(|row| {
                (row.iter()
                    .zip(&weights)
                    .map(|(term, weight)| term * weight)
                    .sum::<f64>()
                    - 1.0)
                    .powi(2)
            })
            .sum();
        if best.is_none_or(|(_, least)| error < least) {
            best = Some((weights, error));
        }
    }
    best.map(|(weights, _)| weights)
}

/// The normal equations of the kept columns, by elimination with pivots.
fn solve<const N: usize>(rows: &[[f64; N]], kept: &[usize]) -> Option<Vec<f64>> {
    let size = kept.len();
    let mut system = vec![vec![0.0; size + 1]; size];
    for row in rows {
        for (place, one) in kept.iter().enumerate() {
            for (column, other) in kept.iter().enumerate() {
                system[place][column] += row[*one] * row[*other];
            }
            system[place][size] += row[*one];
        }
    }
    for column in 0..size {
        let pivot = (column..size)
            .max_by(|left, right| system[*left][column].abs().total_cmp(&system[*right][column].abs()))?;
        system.swap(column, pivot);
        let lead = system[column].clone();
        if lead[column].abs() < 1e-300 {
            return None;
        }
        for (_, row) in system.iter_mut().enumerate().filter(|(row, _)| *row != column) {
            let factor = row[column] / lead[column];
            row.iter_mut()
                .zip(&lead)
                .for_each(|(cell, pivot)| *cell -= factor * pivot);
        }
    }
    let solved: Vec<f64> = (0..size).map(|row| system[row][size] / system[row][row]).collect();
    solved.iter().all(|weight| weight.is_finite()).then_some(solved)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNTS: [f64; 6] = [1.0, 2.0, 3.0, 4.0, 8.0, 16.0];

    fn curve(model: Model, parameters: &[f64]) -> Vec<(f64, f64)> {
        COUNTS.iter().map(|n| (*n, model.at(parameters, *n))).collect()
    }

    #[track_caller]
    fn check(model: Model, parameters: &[f64]) {
        let found = fit_model(model, &curve(model, parameters)).unwrap();
        for (found, known) in found.iter().zip(parameters) {
            assert!(
                (found - known).abs() <= 1e-5 * known.abs().max(1.0),
                "{found} for {known}: {model:?}"
            );
        }
    }

    #[test]
    fn known_curves_come_back() {
        check(Model::Linear, &[1234.5]);
        for serial in [0.0, 0.01, 0.3, 1.0] {
            check(Model::Amdahl, &[1e6, serial]);
            check(Model::Gustafson, &[3.5, serial]);
        }
        for (contention, coherency) in [(0.0, 0.0), (0.1, 0.0), (0.0, 0.01), (0.05, 0.002), (0.4, 0.1)] {
            check(Model::Usl, &[50.0, contention, coherency]);
        }
        for knee in [1.0, 1.7, 2.0, 5.5, 16.0] {
            check(Model::Plateau, &[7e-3, knee]);
        }
    }

    #[test]
    fn the_peak_of_the_universal_law_is_where_it_is() {
        let parameters = [10.0, 0.1, 0.01];
        let peak = usl_peak(&parameters).unwrap();
        let at = |n: f64| Model::Usl.at(&parameters, n);
        assert!(at(peak) > at(peak * 1.01) && at(peak) > at(peak * 0.99), "{peak}");
        assert_eq!(usl_peak(&[10.0, 0.1, 0.0]), None);
        assert_eq!(usl_peak(&[10.0]), None);
    }

    #[test]
    fn nothing_comes_out_negative_or_of_too_few_points() {
        // Faster than linear: the caches grew with the workers.
        let superlinear = [(1.0, 1.0), (2.0, 2.4), (4.0, 5.5), (8.0, 12.0)];
        for model in Model::ALL {
            let parameters = fit_model(model, &superlinear).unwrap();
            assert!(
                parameters.iter().all(|parameter| *parameter >= 0.0),
                "{model:?}: {parameters:?}"
            );
        }
        assert_eq!(fit_model(Model::Usl, &superlinear[..2]), None);
        assert_eq!(fit_model(Model::Linear, &[(1.0, 0.0)]), None);
        assert_eq!(fit_model(Model::Linear, &[]), None);
    }
}
