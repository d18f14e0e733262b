//! Figures beside their goals, as a Markdown table.

/// What was measured so far.
#[derive(Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
}

struct Row {
    what: String,
    measured: String,
    goal: Option<Goal>,
}

struct Goal {
    text: String,
    met: bool,
}

impl Report {
    /// A figure without a goal.
    pub(crate) fn figure(&mut self, what: impl Into<String>, measured: impl Into<String>) {
        self.add(what.into(), measured.into(), None);
    }

    /// A figure that is to be at least `least`.
    pub(crate) fn at_least(&mut self, what: impl Into<String>, (value, least): (f64, f64), unit: &str) {
        let goal = Goal { text: format!("≥ {least}{unit}"), met: value >= least };
        self.add(what.into(), format!("{value:.2}{unit}"), Some(goal));
    }

    /// A figure that is to be at most `most`.
    pub(crate) fn at_most(&mut self, what: impl Into<String>, (value, most): (f64, f64), unit: &str) {
        let goal = Goal { text: format!("≤ {most}{unit}"), met: value <= most };
        self.add(what.into(), format!("{value:.2}{unit}"), Some(goal));
    }

    /// Whether some figure misses its goal.
    pub(crate) fn missed(&self) -> bool {
        self.rows.iter().any(|row| row.goal.as_ref().is_some_and(|goal| !goal.met))
    }

    /// The table, under the machine's name.
    pub(crate) fn markdown(&self, machine: &str) -> String {
        let mut lines = vec![
            format!("Measured on: {machine}\n"),
            "| what | measured | goal | met |".into(),
            "|---|---|---|---|".into(),
        ];
        for Row { what, measured, goal } in &self.rows {
            let (goal, met) =
                goal.as_ref().map_or(("", ""), |goal| (goal.text.as_str(), if goal.met { "yes" } else { "**no**" }));
            lines.push(format!("| {what} | {measured} | {goal} | {met} |"));
        }
        lines.join("\n")
    }

    fn add(&mut self, what: String, measured: String, goal: Option<Goal>) {
        eprintln!("{what}: {measured}");
        self.rows.push(Row { what, measured, goal });
    }
}

/// The middle one of several figures.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().expect("at least one round")
}
