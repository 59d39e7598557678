//! What the checker says of protocols and nets whose answer is known.

#![expect(clippy::unwrap_used, reason = "a test may, and its helpers are part of it")]

mod errors;
mod nets;
mod protocols;

use multilane_petri::{Limits, Net, Report, check, describe, parse_net, protocol::Protocol};

fn report(net: &Net) -> Report {
    let limits = Limits {
        markings: 100_000,
        starvation: true,
        go_on: &mut || true,
    };
    check(net, limits).unwrap()
}

fn protocol(text: &str) -> (Net, Report) {
    let net = Protocol::parse(text).unwrap().net().unwrap();
    let report = report(&net);
    (net, report)
}

fn net(text: &str) -> (Net, Report) {
    let net = parse_net(text).unwrap();
    let report = report(&net);
    (net, report)
}

fn said((net, report): &(Net, Report)) -> String {
    describe(net, report)
}
