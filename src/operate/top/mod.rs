//! `lclq top`: a live view in a terminal.

mod figures;
mod sample;
mod view;

use super::client::Client;
use super::{Done, Failure};
use crate::cli::TopArgs;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use sample::{Sample, Sort};
use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};
use view::{Pane, View};

/// Watches a server until somebody presses `q`.
pub fn top(args: &TopArgs) -> Done {
    if !io::stdout().is_terminal() {
        return Err(Failure::Refused(
            "this needs a terminal; lclq stats and lclq queue list print the same once".to_owned(),
        ));
    }
    let client = Client::of(&args.server)?;
    // Before the screen is taken, so that what is wrong is said where it can be read.
    let first = Sample::take(&client, Sort::Visible)?;
    let mut terminal = ratatui::try_init()?;
    let outcome = watch(&mut terminal, &client, args, first);
    ratatui::restore();
    outcome
}

fn watch(
    terminal: &mut ratatui::DefaultTerminal,
    client: &Client,
    args: &TopArgs,
    first: Sample,
) -> Done {
    let every = Duration::from_secs(args.every);
    let mut view = View::new(&args.server.url, first);
    let mut look_at = Instant::now() + every;
    loop {
        terminal.draw(|frame| view.draw(frame))?;
        let left = look_at.saturating_duration_since(Instant::now());
        if event::poll(left)? {
            if let Event::Key(key) = event::read()?
                && key.kind == KeyEventKind::Press
            {
                let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
                match key.code {
                    KeyCode::Char('q') | KeyCode::Esc => return Ok(()),
                    KeyCode::Char('c') if is_control => return Ok(()),
                    KeyCode::Char('s') => {
                        view.sort = view.sort.next();
                        look_at = Instant::now();
                    }
                    KeyCode::Tab | KeyCode::Right => view.pane = view.pane.next(),
                    KeyCode::Char('1') => view.pane = Pane::Queues,
                    KeyCode::Char('2') => view.pane = Pane::Subscriptions,
                    KeyCode::Char('3') => view.pane = Pane::Shards,
                    KeyCode::Char('4') => view.pane = Pane::Operations,
                    KeyCode::Char('5') => view.pane = Pane::Cores,
                    _ => {}
                }
            }
            continue;
        }
        look_at = Instant::now() + every;
        match Sample::take(client, view.sort) {
            Ok(sample) => view.take(sample),
            // It may come back; what was there last stays to be read.
            Err(failure) => view.trouble = Some(failure.to_string()),
        }
    }
}
