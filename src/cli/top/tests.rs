//! The screen for a state, and the state after keys: no terminal, no server.

use super::figures::Row;
use super::figures::Second;
use super::keys;
use super::news::Answer;
use super::state::Action;
use super::state::By;
use super::state::State;
use super::state::Window;
use super::table;
use super::view;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::KeyCode;
use ratatui::crossterm::event::KeyEvent;
use ratatui::crossterm::event::KeyModifiers;
use serde_json::json;

fn row(name: Option<&str>, requests: u64) -> Row {
    let figures = json!({
        "requests": requests, "failures": requests / 5, "total_tokens": requests * 1_000,
        "cost": { "USD": "1.234000000" }, "latency_ms": { "p50": 120.5, "p95": 2_400 }, "ttft_ms": { "p95": null },
    });
    Row::read(name.map(str::to_owned), &figures)
}

fn answer(state: &State, rows: Vec<Row>) -> Answer {
    let (total, groups) = (row(None, rows.iter().map(|row| row.requests).sum()), rows.len() as u64);
    Answer { number: state.question().number, rows, total, groups }
}

fn state() -> State {
    let mut state = State::new(By::Model, Window::parse("5m").unwrap(), &[]);
    let rows = vec![row(Some("gpt-4o"), 1_500), row(Some("evil\u{1b}[2J\u{202e}"), 30), row(None, 3)];
    state.answered(answer(&state, rows));
    for requests in 1..=200 {
        let data = json!({ "at": "2026-11-22T14:30:12Z", "second": { "requests": requests }, "minute": { "requests": 600, "failures": 6 } });
        state.ticked(Second::read(&data.to_string()).unwrap());
    }
    state
}

fn screen(state: &State, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| view::draw(frame, state, true)).unwrap();
    let buffer = terminal.backend().buffer();
    let line = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
    (0..height).map(line).collect::<Vec<_>>().join("\n")
}

fn press(state: &mut State, codes: &[KeyCode]) -> bool {
    let mut asks = false;
    for code in codes {
        let action = keys::action(KeyEvent::new(*code, KeyModifiers::NONE), state.searching);
        asks |= state.act(&action.unwrap_or_else(|| panic!("{code:?} does nothing")));
    }
    asks
}

fn names(state: &State) -> Vec<&str> {
    state.shown().iter().map(|row| row.name()).collect()
}

#[test]
fn the_screen_tells_head_rows_and_total() {
    let shown = screen(&state(), 120, 14);
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines[0], "tallyring 2026-11-22T14:30:12Z   200 calls/s now, 600 in the last minute");
    assert!(lines[1].contains("1.0% failed"), "{shown}");
    assert!(lines[2..5].concat().contains('█'), "{shown}");
    assert!(lines[5].starts_with("1 model  2 user  3 key") && lines[5].ends_with("│ last 5m"), "{shown}");
    assert!(lines[6].starts_with("MODEL") && lines[6].contains("CALLS ▼"), "{shown}");
    for part in ["gpt-4o", "1.5k", "20.0%", "1.5M", "1.23 USD", "120ms", "2.40s"] {
        assert!(lines[7].contains(part), "{part}: {shown}");
    }
    assert!(lines[8].starts_with("evil\\u{1b}[2J\\u{202e}"), "a name moves no cursor: {shown}");
    assert!(lines[9].starts_with("(none)"), "{shown}");
    assert!(lines[10].starts_with("total of 3 rows") && lines[10].contains("1.5k"), "{shown}");
    assert!(lines[13].starts_with("? help"), "{shown}");
}

/// However small the terminal is made.
#[test]
fn no_size_is_too_small() {
    let mut state = state();
    for help in [false, true] {
        state.help = help;
        for (width, height) in [(1, 1), (5, 3), (20, 8), (80, 24), (300, 100)] {
            screen(&state, width, height);
        }
    }
}

#[test]
fn a_row_is_entered_and_left() {
    let mut state = state();
    assert!(press(&mut state, &[KeyCode::Down, KeyCode::Down, KeyCode::Enter]));
    assert_eq!(state.filters, [("model".to_owned(), String::new())], "calls without a model");
    assert_eq!(state.by, By::User, "the next thing that is not filtered by");
    assert_eq!(state.question().filters, state.filters);
    assert!(screen(&state, 120, 14).contains("│ model=(none)"));
    let rows = vec![row(Some("ann"), 3)];
    state.answered(answer(&state, rows));
    assert!(press(&mut state, &[KeyCode::Enter]));
    assert_eq!((state.by, state.filters.len()), (By::Key, 2));
    assert!(press(&mut state, &[KeyCode::Backspace, KeyCode::Backspace]));
    assert_eq!((state.by, state.filters.len()), (By::Model, 0));
    assert!(!press(&mut state, &[KeyCode::Backspace]), "there is nothing to leave");
}

#[test]
fn filters_of_the_command_line_stay() {
    let mut state = State::new(By::Model, Window::parse("1m").unwrap(), &[("model".to_owned(), "m".to_owned())]);
    state.answered(answer(&state, vec![row(Some("m"), 1)]));
    press(&mut state, &[KeyCode::Char('2')]);
    state.answered(answer(&state, vec![row(Some("ann"), 1)]));
    press(&mut state, &[KeyCode::Enter]);
    assert_eq!((state.by, state.filters.len()), (By::Key, 2), "model is filtered by already");
    press(&mut state, &[KeyCode::Backspace, KeyCode::Backspace]);
    assert_eq!((state.by, state.filters.len()), (By::User, 1));
}

#[test]
fn questions_say_what_is_chosen_and_late_answers_are_dropped() {
    let mut state = state();
    let old = answer(&state, vec![row(Some("old"), 1)]);
    assert!(press(&mut state, &[KeyCode::Char('2'), KeyCode::Char('w'), KeyCode::Char('s'), KeyCode::Char('r')]));
    let question = state.question();
    assert_eq!((question.by, question.window, question.order.as_str()), ("user", "15m", "error_rate"));
    press(&mut state, &[KeyCode::Char('S'), KeyCode::Char('r'), KeyCode::Char('W'), KeyCode::Tab]);
    let question = state.question();
    assert_eq!((question.by, question.window, question.order.as_str()), ("key", "5m", "-requests"));
    let before = state.rows.clone();
    state.answered(old);
    assert_eq!(state.rows, before, "it is about models");
}

#[test]
fn the_chosen_row_stays_chosen_where_it_moves() {
    let mut state = state();
    press(&mut state, &[KeyCode::Down]);
    let rows = vec![row(Some("new"), 9_000), row(Some("gpt-4o"), 1_500), row(Some("evil\u{1b}[2J\u{202e}"), 40)];
    state.answered(answer(&state, rows));
    assert_eq!(state.selected, 2);
    state.answered(answer(&state, vec![row(Some("only"), 1)]));
    assert_eq!(state.selected, 0);
}

#[test]
fn a_part_of_a_name_is_searched_for() {
    let mut state = state();
    let typed = ['G', 'P', 'x'].map(KeyCode::Char);
    assert!(!press(&mut state, &[KeyCode::Char('/'), typed[0], typed[1], typed[2], KeyCode::Backspace]));
    assert_eq!(names(&state), ["gpt-4o"]);
    assert!(screen(&state, 120, 14).contains("/GP▏"));
    press(&mut state, &[KeyCode::Enter, KeyCode::Char('?')]);
    assert!(state.help, "after Enter keys are keys again");
    press(&mut state, &[KeyCode::Esc]);
    assert_eq!((names(&state).len(), state.help), (3, false));
}

#[test]
fn a_pause_holds_everything_still() {
    let mut state = state();
    press(&mut state, &[KeyCode::Char(' ')]);
    let before = screen(&state, 120, 14);
    assert!(before.contains("PAUSED"));
    state.answered(answer(&state, vec![row(Some("new"), 1)]));
    state.ticked(Second { requests: 9, ..Second::default() });
    assert_eq!(screen(&state, 120, 14), before);
    assert!(press(&mut state, &[KeyCode::Char('p')]), "going on asks at once");
}

#[test]
fn trouble_is_told_until_it_is_over() {
    let mut state = state();
    state.trouble = Some("no answer from\u{7} it".to_owned());
    assert!(screen(&state, 120, 14).contains("no answer from\\u{7} it"));
    state.answered(answer(&state, vec![row(Some("m"), 1)]));
    assert!(screen(&state, 120, 14).contains("? help"));
}

#[test]
fn every_key_of_the_help_does_something() {
    let mut state = state();
    press(&mut state, &[KeyCode::Char('?')]);
    let shown = screen(&state, 120, 30);
    for (key, what) in keys::HELP {
        assert!(shown.contains(what), "{key}");
    }
    let keys = "123456wWsSrkj/p?hq".chars().map(KeyCode::Char);
    let others = [KeyCode::Tab, KeyCode::Up, KeyCode::PageDown, KeyCode::Home, KeyCode::End, KeyCode::Enter];
    for code in keys.chain(others) {
        assert!(keys::action(KeyEvent::new(code, KeyModifiers::NONE), false).is_some(), "{code:?}");
    }
    let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(keys::action(interrupt, true), Some(Action::Quit), "while typing too");
}

#[test]
fn the_table_is_printed_once_without_escapes() {
    let plain = table::plain(&state(), false);
    assert!(plain.starts_with("last 5m by model\nMODEL"), "{plain}");
    assert!(plain.contains("\ngpt-4o ") && plain.contains("\n(total) "), "{plain}");
    assert!(!plain.contains('\u{1b}'), "{plain:?}");
}
