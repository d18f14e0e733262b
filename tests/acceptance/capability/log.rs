//! `log`: lines in the operator's log that no guest can forge, clipped and counted.

use serde_json::json;
use usher_tests::{Answer, Bed, Log};

async fn log(bed: &Bed, steps: &[Vec<&str>]) -> (Answer, Vec<String>) {
    let answer = bed.post("every", json!(steps).to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let lines = Log::lines_with(answer.header("x-request-id").unwrap());
    (answer, lines)
}

#[tokio::test]
async fn a_line_carries_level_function_and_request() {
    let bed = Bed::start().await;
    bed.deploy_every("", "").await;
    for (step, level) in [("log.debug", "DEBUG"), ("log.info", "INFO"), ("log.warn", "WARN"), ("log.error", "ERROR")] {
        let (_, lines) = log(&bed, &[vec![step, "tea is ready"]]).await;
        let line =
            lines.iter().find(|line| line.contains("tea is ready")).unwrap_or_else(|| panic!("{step}: {lines:?}"));
        assert!(line.contains(level) && line.contains("function=\"every\""), "{line}");
    }
}

#[tokio::test]
async fn control_characters_forge_no_line() {
    let bed = Bed::start().await;
    bed.deploy_every("", "").await;
    for forged in ["\n", "\r\n", "\u{85}", "\u{2028}", "\u{2029}", "\u{1b}[2K\r", "\0", "\u{b}", "\u{c}", "\u{202e}"] {
        let marker = format!("forged-{:x}", u32::from(forged.chars().next().unwrap()));
        let (_, lines) = log(&bed, &[vec!["log.info", &format!("innocent{forged}ERROR {marker}")]]).await;
        let line = lines.iter().find(|line| line.contains(&marker)).unwrap_or_else(|| panic!("{forged:?}: {lines:?}"));
        assert!(line.contains("innocent ") && line.contains("INFO"), "{forged:?}: {line:?}");
    }
}

#[tokio::test]
async fn lines_beyond_the_budget_are_dropped_and_long_ones_cut() {
    let bed = Bed::start().await;
    bed.deploy_every("", "").await;
    let (_, lines) = log(&bed, &vec![vec!["log.info", "counted"]; 150]).await;
    assert_eq!(lines.iter().filter(|line| line.contains("counted")).count(), 100);

    let long = format!("{}é{}", "~".repeat(1_023), "~".repeat(5_000));
    let (_, lines) = log(&bed, &[vec!["log.info", &long]]).await;
    let line = lines.iter().find(|line| line.contains("~~~")).unwrap();
    assert_eq!((line.matches('~').count(), line.contains('é')), (1_023, false), "{line}");
}
