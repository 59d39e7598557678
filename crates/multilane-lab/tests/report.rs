//! The report as its readers get it: complete, self-contained, and safe whatever the proof's strings say.

use multilane_lab::{Proof, Run, report_html};
use multilane_trace::{Task, Trace, Worker};

#[path = "../examples/report/synthetic.rs"]
#[expect(dead_code, reason = "each user of the made-up proofs takes some of them")]
mod synthetic;

/// The page without its style, its script and its data.
fn body(page: &str) -> String {
    let mut rest = page;
    let mut out = String::new();
    while let Some(start) = rest.find("<script").into_iter().chain(rest.find("<style")).min() {
        out.push_str(&rest[..start]);
        let end = if rest[start..].starts_with("<script") {
            "</script>"
        } else {
            "</style>"
        };
        rest = rest[start..].split_once(end).map_or("", |(_, after)| after);
    }
    out + rest
}

#[track_caller]
fn check_is_whole(page: &str) {
    assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"));
    assert_eq!(page.matches("<script").count(), 2, "the data and the page's own script");
    assert_eq!(page.matches("</script>").count(), 2);
    assert_eq!(page.matches("<style").count(), 1);
    let body = body(page);
    for tag in [
        "section", "div", "span", "details", "table", "svg", "figure", "article", "ul", "li", "p", "dl", "dd",
    ] {
        let opened = body.matches(&format!("<{tag}>")).count() + body.matches(&format!("<{tag} ")).count();
        assert_eq!(
            opened,
            body.matches(&format!("</{tag}>")).count(),
            "every <{tag}> is closed"
        );
    }
    for missing in ["NaN", "inf%", "{{"] {
        assert!(!body.contains(missing), "{missing} in the page");
    }
}

#[track_caller]
fn check_is_self_contained(page: &str) {
    for reference in [
        "http:",
        "https:",
        "src=",
        "href=",
        "url(",
        "@import",
        "import(",
        "fetch(",
        "XMLHttpRequest",
    ] {
        assert!(
            !page.contains(reference),
            "the page refers to something outside itself: {reference}"
        );
    }
    assert!(
        page.contains("default-src 'none'"),
        "the page forbids itself every request"
    );
}

#[test]
fn says_the_verdict_in_words_before_any_figure() {
    let page = report_html(&synthetic::words());
    check_is_whole(&page);
    check_is_self_contained(&page);
    let judgement = multilane_lab::judge(&synthetic::words());
    let headline = page.find("ran in parallel with multilane processes").unwrap();
    assert!(headline < page.find("<svg").unwrap());
    for strategy in &judgement.strategies {
        assert!(
            page.contains(&format!("<h3>{}</h3>", strategy.strategy)),
            "{} has a card",
            strategy.strategy
        );
    }
    for section in [
        "How much faster",
        "What every worker did",
        "Where the time went",
        "What was checked",
        "The machine",
    ] {
        assert!(page.contains(section), "{section}");
    }
}

#[test]
fn shows_each_built_in_proof_with_what_it_claims() {
    let proof = synthetic::builtin();
    let page = report_html(&proof);
    check_is_whole(&page);
    check_is_self_contained(&page);
    for part in &proof.parts {
        assert!(
            page.to_lowercase().contains(&part.claim.to_lowercase()),
            "{}",
            part.claim
        );
    }
    assert!(page.contains("Progress of 2 tasks over time"));
}

#[test]
fn refuses_in_words_and_marks_what_failed() {
    let page = report_html(&synthetic::broken());
    check_is_whole(&page);
    assert!(page.contains("The claim is refused"));
    assert!(page.contains("class=\"bad\""));
    assert!(page.contains("lost its worker"));
    assert!(report_html(&synthetic::sleep()).contains("Concurrent, not parallel"));
}

#[test]
fn shows_hostile_names_as_text() {
    let page = report_html(&synthetic::hostile());
    assert_eq!(page.matches("<script").count(), 2);
    assert_eq!(page.matches("</script>").count(), 2);
    assert!(!body(&page).contains("<img"));
    assert!(!page.contains('\u{202e}'), "text cannot be turned around");
    assert!(page.contains("{{headline}}"), "a value is never taken for a template");
}

#[test]
fn shows_a_proof_without_anything_in_it() {
    let page = report_html(&Proof::default());
    check_is_whole(&page);
    check_is_self_contained(&page);
}

#[test]
fn keeps_the_page_small_when_there_are_many_tasks_and_workers() {
    let page = report_html(&synthetic::many(20_000));
    check_is_whole(&page);
    assert!(page.len() < 3_000_000, "{} bytes", page.len());
}

#[test]
fn survives_times_and_workers_that_make_no_sense() {
    let stray = |started_ns, ended_ns, worker| Task {
        id: u64::MAX,
        started_ns,
        ended_ns,
        worker,
        cpu_ns: u64::MAX,
        function: 9,
        ..Task::default()
    };
    let trace = Trace {
        workers: vec![Worker {
            index: u32::MAX,
            started_ns: u64::MAX,
            ready_ns: 1,
            ended_ns: 2,
            ..Worker::default()
        }],
        tasks: vec![
            stray(5, 3, 0),
            stray(0, 0, 1),
            stray(1, u64::MAX, 2),
            stray(7, 7, u32::MAX),
        ],
        edges: vec![(1, 1), (u64::MAX, 0)],
        ..Trace::default()
    };
    let mut proof = Proof::default();
    for strategy in ["sequential", "other"] {
        proof.runs.push(Run {
            strategy: strategy.into(),
            repeat: u32::MAX,
            wall_ns: u64::MAX,
            trace: Some(trace.clone()),
            ..Run::default()
        });
        proof.runs.push(Run {
            strategy: strategy.into(),
            trace: Some(Trace::default()),
            ..Run::default()
        });
    }
    check_is_whole(&report_html(&proof));
}
