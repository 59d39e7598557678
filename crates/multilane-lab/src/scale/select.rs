//! Chooses the model that predicts best what it has not seen, and says how sure its parameters are.

use crate::{Interval, median};

use super::{
    Model, fit_model,
    judge::{Fit, Parameter, Prediction},
    usl_peak,
};
use crate::statistics::positions;

/// A model of more parameters has to predict better by this factor, and by this much: a tie is noise.
const BETTER: f64 = 0.9;
const CLEARLY: f64 = 0.005;

/// The coherency term and its peak are read from curves of at least so many counts, up to at least so many workers:
/// from fewer, five per cent of noise picks the wrong model nearly always.
const USL_COUNTS: usize = 4;
const USL_WORKERS: u32 = 8;

/// Resamples for the parameters' intervals.
const RESAMPLES: usize = 200;

/// How far past the last measured count a curve is drawn.
const REACH: f64 = 2.0;

/// Throughputs by worker count, in ascending order.
pub(super) type Curve = Vec<(u32, Vec<f64>)>;

/// Every model that so many points allow, the best first.
pub(super) fn fits(curve: &Curve) -> Vec<Fit> {
    let counts = curve.len();
    let most = curve.last().map_or(0, |point| point.0);
    let points: Vec<(f64, f64)> = curve
        .iter()
        .map(|(n, values)| (f64::from(*n), median(values)))
        .collect();
    let mut found: Vec<Fit> = Model::ALL
        .into_iter()
        .filter(|model| counts > model.parameters().len() || (counts == 2 && *model == Model::Amdahl))
        .filter(|model| *model != Model::Usl || (counts >= USL_COUNTS && most >= USL_WORKERS))
        .filter_map(|model| fit(model, &points, curve))
        .collect();
    let mut best = 0;
    for index in 1..found.len() {
        let least = found[best].held_out_error;
        let more = found[index].parameters.len() > found[best].parameters.len();
        let needed = if more {
            (BETTER * least).min(least - CLEARLY)
        } else {
            least
        };
        if found[index].held_out_error < needed {
            best = index;
        }
    }
    if !found.is_empty() {
        let chosen = found.remove(best);
        found.sort_by(|left, right| left.held_out_error.total_cmp(&right.held_out_error));
        found.insert(0, chosen);
    }
    found
}

fn fit(model: Model, points: &[(f64, f64)], curve: &Curve) -> Option<Fit> {
    let parameters = fit_model(model, points)?;
    let most = points.last()?.0;
    let resampled: Vec<Vec<f64>> = positions(RESAMPLES, curve.iter().map(|(_, values)| values.len()).collect())
        .filter_map(|drawn| {
            let medians: Vec<(f64, f64)> = curve
                .iter()
                .zip(drawn)
                .map(|((n, values), drawn)| {
                    let values: Vec<f64> = drawn.iter().map(|position| values[*position]).collect();
                    (f64::from(*n), median(&values))
                })
                .collect();
            fit_model(model, &medians)
        })
        .collect();
    let interval = |value: f64, of: &dyn Fn(&[f64]) -> Option<f64>| {
        let mut values: Vec<f64> = resampled.iter().filter_map(|parameters| of(parameters)).collect();
        values.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let place = (share * values.len().saturating_sub(1) as f64).round() as usize;
            values.get(place).copied().unwrap_or(value)
        };
        Interval {
            low: at(0.025).min(value),
            median: value,
            high: at(0.975).max(value),
        }
    };
    let named = model.parameters().iter().enumerate().map(|(index, name)| Parameter {
        name: (*name).to_owned(),
        value: interval(parameters[index], &|parameters| parameters.get(index).copied()),
    });
    let peak = (model == Model::Usl).then(|| usl_peak(&parameters)).flatten();
    let line = steps(most).into_iter().map(|workers| Prediction {
        workers,
        throughput: interval(model.at(&parameters, workers), &|parameters| {
            Some(model.at(parameters, workers))
        }),
        extrapolated: workers > most,
    });
    Some(Fit {
        model,
        name: model.name().to_owned(),
        parameters: named.collect(),
        held_out_error: held_out_error(model, points),
        peak_workers: peak.map(|peak| interval(peak, &|parameters| usl_peak(parameters))),
        curve: line.collect(),
    })
}

/// Root of the mean square of the relative error at each count, predicted from the others; from all when that is too few.
fn held_out_error(model: Model, points: &[(f64, f64)]) -> f64 {
    let error = |parameters: &[f64], (n, x): (f64, f64)| model.at(parameters, n) / x - 1.0;
    let errors: Vec<f64> = (0..points.len())
        .filter_map(|left_out| {
            let mut others = points.to_vec();
            let point = others.remove(left_out);
            let parameters = fit_model(model, &others)?;
            Some(error(&parameters, point))
        })
        .collect();
    let errors = if errors.len() == points.len() {
        errors
    } else {
        let parameters = fit_model(model, points).unwrap_or_default();
        // What was fitted is no prediction: it counts double.
        points.iter().map(|point| 2.0 * error(&parameters, *point)).collect()
    };
    (errors.iter().map(|error| error * error).sum::<f64>() / errors.len().max(1) as f64).sqrt()
}

/// Worker counts at which a curve is drawn: up to the last measured one, which is one of them, and past it.
fn steps(most: f64) -> Vec<f64> {
    let measured = (0..=24).map(|index| 1.0 + (most - 1.0) * f64::from(index) / 24.0);
    let past = (1..=8).map(|index| most + most * (REACH - 1.0) * f64::from(index) / 8.0);
    measured.chain(past).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noise of a few per cent from a generator that is not the one under test.
    fn noisy(model: Model, parameters: &[f64], counts: &[u32]) -> Curve {
        let mut state = 7u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            1.0 + 0.04 * (f64::from(state >> 8) / f64::from(1 << 24) - 0.5)
        };
        counts
            .iter()
            .map(|n| {
                (
                    *n,
                    (0..7).map(|_| model.at(parameters, f64::from(*n)) * noise()).collect(),
                )
            })
            .collect()
    }

    #[track_caller]
    fn chosen(model: Model, parameters: &[f64], counts: &[u32]) -> Fit {
        fits(&noisy(model, parameters, counts)).remove(0)
    }

    const MANY: [u32; 8] = [1, 2, 3, 4, 6, 8, 12, 16];

    #[test]
    fn the_model_that_made_the_curve_is_chosen() {
        assert_eq!(chosen(Model::Linear, &[10.0], &MANY).model, Model::Linear);
        assert_eq!(chosen(Model::Plateau, &[10.0, 2.0], &MANY).model, Model::Plateau);
        assert_eq!(chosen(Model::Amdahl, &[10.0, 0.2], &MANY).model, Model::Amdahl);
        assert_eq!(chosen(Model::Gustafson, &[10.0, 0.5], &MANY).model, Model::Gustafson);
        assert_eq!(chosen(Model::Usl, &[10.0, 0.05, 0.02], &MANY).model, Model::Usl);
    }

    #[test]
    fn intervals_hold_the_true_parameters() {
        let fit = chosen(Model::Usl, &[10.0, 0.05, 0.02], &MANY);
        for (parameter, known) in fit.parameters.iter().zip([10.0, 0.05, 0.02]) {
            let Interval { low, high, .. } = parameter.value;
            assert!(low <= known * 1.05 && known * 0.95 <= high, "{parameter:?} for {known}");
        }
        let peak = fit.peak_workers.unwrap();
        assert!(peak.low <= 6.9 && 6.9 <= peak.high + 0.5, "{peak:?}");
    }

    #[test]
    fn no_peak_is_read_from_too_few_counts() {
        for counts in [&[1, 2][..], &[1, 2, 4], &[1, 2, 3, 4], &[1, 8, 16]] {
            let found = fits(&noisy(Model::Usl, &[10.0, 0.05, 0.02], counts));
            assert!(found.iter().all(|fit| fit.model != Model::Usl), "{counts:?}");
        }
    }

    #[test]
    fn what_lies_past_the_last_count_is_marked() {
        let fit = chosen(Model::Linear, &[10.0], &[1, 2, 4]);
        assert!(
            fit.curve
                .iter()
                .all(|point| point.extrapolated == (point.workers > 4.0))
        );
        assert_eq!(fit.curve.last().unwrap().workers, 8.0);
    }
}
