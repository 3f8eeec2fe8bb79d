//! The view's lines and tables.

use super::figures::{bytes, number, plain, time_ms, time_us};
use super::sample::{Sample, Sort, quantile};
use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Cell, Paragraph, Row, Table};
use serde_json::Value;

/// What the large table is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Pane {
    Queues,
    Subscriptions,
    Shards,
    Operations,
    Cores,
}

impl Pane {
    const ALL: [Self; 5] = [
        Self::Queues,
        Self::Subscriptions,
        Self::Shards,
        Self::Operations,
        Self::Cores,
    ];

    pub fn next(self) -> Self {
        let at = Self::ALL.iter().position(|pane| *pane == self);
        Self::ALL[(at.unwrap_or(0) + 1) % Self::ALL.len()]
    }

    fn name(self) -> &'static str {
        match self {
            Self::Queues => "queues",
            Self::Subscriptions => "subscriptions",
            Self::Shards => "shards",
            Self::Operations => "operations",
            Self::Cores => "cores",
        }
    }
}

pub(super) struct View {
    url: String,
    now: Sample,
    before: Option<Sample>,
    pub sort: Sort,
    pub pane: Pane,
    pub trouble: Option<String>,
}

/// A table before it is drawn: its heads, its columns' widths, its rows.
type Drawn = (Vec<&'static str>, Vec<Constraint>, Vec<Vec<String>>);

impl View {
    pub fn new(url: &str, first: Sample) -> Self {
        Self {
            url: url.to_owned(),
            now: first,
            before: None,
            sort: Sort::Visible,
            pane: Pane::Queues,
            trouble: None,
        }
    }

    pub fn take(&mut self, sample: Sample) {
        self.before = Some(std::mem::replace(&mut self.now, sample));
        self.trouble = None;
    }

    pub fn draw(&self, frame: &mut Frame<'_>) {
        let areas = Layout::vertical([
            Constraint::Length(4),
            Constraint::Min(3),
            Constraint::Length(1),
        ])
        .split(frame.area());
        frame.render_widget(Paragraph::new(self.head()), areas[0]);
        let (heads, widths, rows) = match self.pane {
            Pane::Queues => self.queues(),
            Pane::Subscriptions => self.subscriptions(),
            Pane::Shards => self.shards(),
            Pane::Operations => self.operations(),
            Pane::Cores => self.cores(),
        };
        let bold = Style::new().add_modifier(Modifier::BOLD);
        let cells = |row: Vec<String>| {
            let cells = row.into_iter().enumerate().map(|(at, text)| {
                let line = Line::from(text);
                // The first column has names, the others figures.
                Cell::from(match at {
                    0 => line,
                    _ => line.alignment(Alignment::Right),
                })
            });
            Row::new(cells.collect::<Vec<_>>())
        };
        let heads = heads.into_iter().map(str::to_owned).collect();
        let title = format!(" {} ", self.pane.name());
        let table = Table::new(rows.into_iter().map(cells), widths)
            .header(cells(heads).style(bold))
            .column_spacing(2)
            .block(Block::new().borders(Borders::TOP).title(title));
        frame.render_widget(table, areas[1]);
        let reversed = Style::new().add_modifier(Modifier::REVERSED);
        let keys = " q quit   s sort   tab or 1-5: queues subscriptions shards operations cores ";
        frame.render_widget(Paragraph::new(Span::styled(keys, reversed)), areas[2]);
    }

    fn head(&self) -> Vec<Line<'static>> {
        let stats = &self.now.stats;
        let count = |name: &str| number(&stats[name]);
        let rate =
            |name: &str| self.rate(&stats[name], self.before.as_ref().map(|b| &b.stats[name]));
        let state = match &self.trouble {
            Some(trouble) => format!("  ! {}", plain(trouble)),
            None => String::new(),
        };
        vec![
            Line::from(format!(
                "lclq {}  by {}{state}",
                self.url,
                self.sort.shown()
            )),
            Line::from(format!(
                "queues {}  topics {}  subscriptions {}  waiting {}  memory {}",
                count("queues"),
                count("topics"),
                count("subscriptions"),
                count("waiters"),
                bytes(&stats["memory_bytes"]),
            )),
            Line::from(format!(
                "visible {}  in flight {}  delayed {}",
                count("visible"),
                count("in_flight"),
                count("delayed"),
            )),
            Line::from(format!(
                "per second: sent {}  received {}  deleted {}  dead-lettered {}  dropped {}",
                rate("sent"),
                rate("received"),
                rate("deleted"),
                rate("dead_lettered"),
                rate("dropped"),
            )),
        ]
    }

    /// By how much a figure grows in a second.
    fn rate(&self, now: &Value, before: Option<&Value>) -> String {
        let Some((sample, before)) = self.before.as_ref().zip(before) else {
            return "-".to_owned();
        };
        let seconds = self.now.taken.duration_since(sample.taken).as_secs_f64();
        let (now, before) = (now.as_f64().unwrap_or(0.0), before.as_f64().unwrap_or(0.0));
        if seconds <= 0.0 {
            return "-".to_owned();
        }
        // A zero of either sign is one.
        format!("{:.0}", (now - before) / seconds + 0.0).replace("-0", "0")
    }

    fn rate_of(
        &self,
        rows: fn(&Sample) -> &Vec<Value>,
        row: &Value,
        keys: &[&str],
        figure: &str,
    ) -> String {
        let before = self.before.as_ref().and_then(|before| {
            let is_same = |other: &&Value| keys.iter().all(|key| other[*key] == row[*key]);
            rows(before).iter().find(is_same)
        });
        self.rate(&row[figure], before.map(|before| &before[figure]))
    }

    fn queues(&self) -> Drawn {
        let rows = self.now.queues.iter().map(|queue| {
            let keys = ["name", "region", "account"];
            let rate = |figure: &str| self.rate_of(|sample| &sample.queues, queue, &keys, figure);
            vec![
                plain(queue["name"].as_str().unwrap_or_default()),
                rate("sent"),
                rate("received"),
                rate("deleted"),
                number(&queue["visible"]),
                number(&queue["in_flight"]),
                number(&queue["delayed"]),
                time_ms(&queue["oldest_age_ms"]),
            ]
        });
        drawn(
            &[
                "QUEUE",
                "SENT/S",
                "GIVEN/S",
                "DONE/S",
                "VISIBLE",
                "IN FLIGHT",
                "DELAYED",
                "OLDEST",
            ],
            rows,
        )
    }

    fn subscriptions(&self) -> Drawn {
        let rows = self.now.subscriptions.iter().map(|subscription| {
            let rate = |figure: &str| {
                self.rate_of(
                    |sample| &sample.subscriptions,
                    subscription,
                    &["full_name"],
                    figure,
                )
            };
            vec![
                plain(subscription["full_name"].as_str().unwrap_or_default()),
                rate("delivered"),
                rate("acknowledged"),
                number(&subscription["available"]),
                number(&subscription["outstanding"]),
                number(&subscription["streams"]),
                time_ms(&subscription["oldest_age_ms"]),
            ]
        });
        drawn(
            &[
                "SUBSCRIPTION",
                "GIVEN/S",
                "DONE/S",
                "BACKLOG",
                "OUTSTANDING",
                "STREAMS",
                "OLDEST",
            ],
            rows,
        )
    }

    fn shards(&self) -> Drawn {
        let rows = self.now.shards.iter().map(|shard| {
            let rate =
                |figure: &str| self.rate_of(|sample| &sample.shards, shard, &["shard"], figure);
            vec![
                number(&shard["shard"]),
                number(&shard["visible"]),
                number(&shard["in_flight"]),
                rate("sent"),
                rate("received"),
                rate("deleted"),
                bytes(&shard["memory_bytes"]),
            ]
        });
        drawn(
            &[
                "SHARD",
                "VISIBLE",
                "IN FLIGHT",
                "SENT/S",
                "RECEIVED/S",
                "DELETED/S",
                "MEMORY",
            ],
            rows,
        )
    }

    fn operations(&self) -> Drawn {
        let rows = self.now.operations.iter().map(|operation| {
            let keys = ["api", "operation"];
            let before = self.before.as_ref().and_then(|before| {
                let is_same =
                    |other: &&Value| keys.iter().all(|key| other[*key] == operation[*key]);
                before.operations.iter().find(is_same)
            });
            let rate =
                |figure: &str| self.rate_of(|sample| &sample.operations, operation, &keys, figure);
            let time = |of_hundred| {
                quantile(&self.now.bounds_us, operation, before, of_hundred)
                    .map_or_else(|| "-".to_owned(), time_us)
            };
            vec![
                format!(
                    "{} {}",
                    operation["api"].as_str().unwrap_or_default(),
                    operation["operation"].as_str().unwrap_or_default()
                ),
                rate("ok"),
                rate("client_errors"),
                rate("server_errors"),
                time(50),
                time(99),
            ]
        });
        drawn(
            &["OPERATION", "OK/S", "REFUSED/S", "FAILED/S", "P50", "P99"],
            rows,
        )
    }

    fn cores(&self) -> Drawn {
        let rows = self.now.cores.iter().map(|core| {
            // ms of a second, in hundredths.
            let busy = self.rate_of(|sample| &sample.cores, core, &["core"], "busy_ms");
            let busy = busy.parse::<u64>().map(|ms| format!("{} %", ms / 10));
            let rate = |figure: &str| {
                let rate = self.rate_of(|sample| &sample.cores, core, &["core"], figure);
                rate.parse::<f64>().ok()
            };
            // Requests that wait together in a lane when its turn comes.
            let depth = rate("lane_requests").zip(rate("lane_turns"));
            let depth = depth.filter(|(_, turns)| *turns > 0.0);
            vec![
                number(&core["core"]),
                number(&core["connections"]),
                core["shards"].to_string(),
                busy.unwrap_or_else(|_| "-".to_owned()),
                depth.map_or_else(
                    || "-".to_owned(),
                    |(all, turns)| format!("{:.1}", all / turns),
                ),
            ]
        });
        drawn(
            &["CORE", "CONNECTIONS", "SHARDS", "BUSY", "LANE DEPTH"],
            rows,
        )
    }
}

fn drawn(heads: &[&'static str], rows: impl Iterator<Item = Vec<String>>) -> Drawn {
    let widths = heads.iter().enumerate().map(|(at, head)| match at {
        0 => Constraint::Min(16),
        _ => Constraint::Length(head.len().max(8) as u16),
    });
    (heads.to_vec(), widths.collect(), rows.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use serde_json::json;
    use std::time::{Duration, Instant};

    fn sample(taken: Instant, sent: u64) -> Sample {
        let shard = json!({ "shard": 0, "visible": sent, "in_flight": 2, "sent": sent,
                            "received": 0, "deleted": 0, "memory_bytes": 2048 });
        Sample {
            taken,
            stats: json!({ "queues": 1, "topics": 0, "subscriptions": 0, "visible": sent,
                           "in_flight": 2, "delayed": 0, "memory_bytes": 3_145_728, "waiters": 0,
                           "sent": sent, "received": 0, "deleted": 0, "dead_lettered": 0,
                           "dropped": 0 }),
            queues: vec![
                json!({ "name": "orders\u{1b}[31m", "region": "r", "account": "a",
                                 "visible": sent, "in_flight": 2, "delayed": 0, "sent": sent,
                                 "received": 0, "deleted": 0,
                                 "oldest_age_ms": 65_000 }),
            ],
            subscriptions: Vec::new(),
            shards: vec![shard],
            cores: Vec::new(),
            bounds_us: vec![10, 100],
            operations: vec![
                json!({ "api": "sqs", "operation": "SendMessage", "ok": sent,
                "client_errors": 0, "server_errors": 0, "buckets": [0, sent, sent] }),
            ],
        }
    }

    fn screen(view: &View) -> String {
        let mut terminal = Terminal::new(TestBackend::new(90, 9)).unwrap();
        terminal.draw(|frame| view.draw(frame)).unwrap();
        let screen = terminal.backend().to_string();
        let lines = screen.lines().map(|line| line.trim_matches('"').trim_end());
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_screen_has_totals_rates_and_rows() {
        let start = Instant::now();
        let mut view = View::new("http://x", sample(start, 100));
        view.take(sample(start + Duration::from_secs(2), 300));
        let shown = screen(&view);
        assert_eq!(
            shown,
            "lclq http://x  by backlog\n\
             queues 1  topics 0  subscriptions 0  waiting 0  memory 3.0 MiB\n\
             visible 300  in flight 2  delayed 0\n\
             per second: sent 100  received 0  deleted 0  dead-lettered 0  dropped 0\n \
             queues ──────────────────────────────────────────────────────────────────────────────────\n\
             QUEUE                  SENT/S   GIVEN/S    DONE/S   VISIBLE  IN FLIGHT   DELAYED    OLDEST\n\
             orders[31m                100         0         0       300          2         0      65 s\n\
             \n \
             q quit   s sort   tab or 1-5: queues subscriptions shards operations cores"
        );
        view.pane = Pane::Operations;
        let shown = screen(&view);
        assert!(shown.contains("sqs SendMessage"), "{shown}");
        assert!(shown.contains("100 us"), "{shown}");
        view.pane = Pane::Shards;
        assert!(screen(&view).contains("2.0 KiB"));
    }
}
