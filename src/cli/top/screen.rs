//! The terminal: it is taken, drawn to when something changed, and given back however this ends.

use super::super::exit::Exit;
use super::super::exit::Failure;
use super::feed::Feed;
use super::keys;
use super::news::News;
use super::state::State;
use super::view;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event;
use ratatui::crossterm::event::Event;
use std::io;
use std::time::Duration;
use std::time::Instant;

/// How long a key may wait, and how often news are looked for.
const LOOK: Duration = Duration::from_millis(50);
/// How often the table is asked for.
const ASK: Duration = Duration::from_secs(1);

/// Until it is left. A panic gives the terminal back too, before it is told.
pub(super) fn run(state: &mut State, feed: &Feed, color: bool) -> Result<Exit, Failure> {
    let mut terminal = ratatui::try_init().map_err(|fault| Failure::file("the terminal", &fault))?;
    let done = follow(&mut terminal, state, feed, color);
    ratatui::restore();
    done.map(|()| Exit::Ok).map_err(|fault| Failure::file("the terminal", &fault))
}

fn follow(terminal: &mut DefaultTerminal, state: &mut State, feed: &Feed, color: bool) -> io::Result<()> {
    feed.follow(state.filters.clone());
    let (mut asked, mut changed) = (Instant::now(), true);
    while !state.quit {
        if changed {
            terminal.draw(|frame| view::draw(frame, state, color))?;
        }
        let (filters, mut ask) = (state.filters.len(), false);
        changed = event::poll(LOOK)?;
        while event::poll(Duration::ZERO)? {
            if let Event::Key(key) = event::read()?
                && let Some(action) = keys::action(key, state.searching)
            {
                ask |= state.act(&action);
            }
        }
        for news in feed.news.try_iter() {
            changed = true;
            heard(state, news);
        }
        if state.filters.len() != filters {
            state.history.clear();
            feed.follow(state.filters.clone());
        }
        if ask || (!state.paused && asked.elapsed() >= ASK) {
            feed.ask(state.question());
            asked = Instant::now();
        }
    }
    Ok(())
}

fn heard(state: &mut State, news: News) {
    match news {
        News::Second(second) => state.ticked(second),
        News::Answer(answer) => state.answered(answer),
        News::Trouble(text) => state.trouble = Some(text),
    }
}
