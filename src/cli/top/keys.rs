//! Which key does what.

use super::state::Action;
use super::state::By;
use ratatui::crossterm::event::KeyCode;
use ratatui::crossterm::event::KeyEvent;
use ratatui::crossterm::event::KeyEventKind;
use ratatui::crossterm::event::KeyModifiers;

/// Rows that a page key moves.
const PAGE: isize = 10;

/// Keys and what they do, for the help.
pub(super) const HELP: &[(&str, &str)] = &[
    ("1 … 6, Tab", "rows by model, user, key, provider, endpoint, status; the next of these"),
    ("w W", "a longer, a shorter window"),
    ("s S", "sort by the next column, the column before"),
    ("r", "sort the other way round"),
    ("↑ ↓ k j", "choose a row; PgUp PgDn Home End too"),
    ("Enter", "into the row: only its calls"),
    ("Backspace", "out again"),
    ("/", "only rows whose name has this part; Esc shows all again"),
    ("Space p", "pause, and go on"),
    ("? h", "this help"),
    ("q Ctrl-C", "quit"),
];

/// What a key asks for; `searching` while a part of a name is typed.
pub(super) fn action(key: KeyEvent, searching: bool) -> Option<Action> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return matches!(key.code, KeyCode::Char('c' | 'd')).then_some(Action::Quit);
    }
    if searching { typed(key.code) } else { pressed(key.code) }
}

fn typed(code: KeyCode) -> Option<Action> {
    Some(match code {
        KeyCode::Char(c) => Action::Type(c),
        KeyCode::Backspace => Action::Erase,
        KeyCode::Enter => Action::Accept,
        KeyCode::Esc => Action::Cancel,
        _ => return None,
    })
}

fn pressed(code: KeyCode) -> Option<Action> {
    Some(match code {
        KeyCode::Char(c @ '1'..='6') => Action::By(By::ALL[usize::from(c as u8 - b'1')]),
        KeyCode::Tab => Action::NextBy,
        KeyCode::Char('w') => Action::Window(1),
        KeyCode::Char('W') => Action::Window(-1),
        KeyCode::Char('s') => Action::Sort(1),
        KeyCode::Char('S') => Action::Sort(super::state::Sort::ALL.len() - 1),
        KeyCode::Char('r') => Action::Reverse,
        KeyCode::Up | KeyCode::Char('k') => Action::Move(-1),
        KeyCode::Down | KeyCode::Char('j') => Action::Move(1),
        KeyCode::PageUp => Action::Move(-PAGE),
        KeyCode::PageDown => Action::Move(PAGE),
        KeyCode::Home => Action::First,
        KeyCode::End => Action::Last,
        KeyCode::Enter => Action::Enter,
        KeyCode::Backspace => Action::Back,
        KeyCode::Char('/') => Action::Search,
        KeyCode::Char(' ' | 'p') => Action::Pause,
        KeyCode::Char('?' | 'h') => Action::Help,
        KeyCode::Esc => Action::Cancel,
        KeyCode::Char('q') => Action::Quit,
        _ => return None,
    })
}
