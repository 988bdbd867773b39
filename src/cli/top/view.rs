//! The screen as a function of the state.

use super::figures::duration;
use super::figures::money;
use super::figures::share;
use super::figures::short;
use super::keys;
use super::state::By;
use super::state::Sort;
use super::state::State;
use super::table;
use super::table::COLUMNS;
use crate::cli::table::printable;
use ratatui::Frame;
use ratatui::layout::Alignment;
use ratatui::layout::Constraint;
use ratatui::layout::Layout;
use ratatui::layout::Rect;
use ratatui::style::Color;
use ratatui::style::Modifier;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::text::Span;
use ratatui::text::Text;
use ratatui::widgets::Block;
use ratatui::widgets::Cell;
use ratatui::widgets::Clear;
use ratatui::widgets::Paragraph;
use ratatui::widgets::Row;
use ratatui::widgets::Sparkline;
use ratatui::widgets::Table;
use ratatui::widgets::TableState;

/// The widths of the columns behind the name: those of their heads with a mark, at least.
const WIDTHS: [u16; COLUMNS.len()] = [7, 6, 6, 8, 8, 14, 7, 7, 10];

/// Draws everything.
pub(super) fn draw(frame: &mut Frame<'_>, state: &State, color: bool) {
    let [head, graph, tabs, body, foot] = Layout::vertical([
        Constraint::Length(2),
        Constraint::Length(3),
        Constraint::Length(1),
        Constraint::Min(3),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    frame.render_widget(header(state), head);
    let seen = state.history.len().saturating_sub(graph.width.into());
    let line: Vec<u64> = state.history.iter().skip(seen).copied().collect();
    frame.render_widget(Sparkline::default().data(line).style(tint(color, Color::Cyan)), graph);
    frame.render_widget(tab_line(state), tabs);
    rows(frame, state, body, color);
    frame.render_widget(footer(state, color), foot);
    if state.help {
        help(frame, color);
    }
}

fn tint(color: bool, tint: Color) -> Style {
    if color { Style::new().fg(tint) } else { Style::new() }
}

fn bold() -> Style {
    Style::new().add_modifier(Modifier::BOLD)
}

fn header(state: &State) -> Paragraph<'static> {
    let Some(now) = &state.now else { return Paragraph::new("waiting for the first second …") };
    let minute = &now.minute;
    let mut first = vec![
        Span::styled("tallyring ", bold()),
        Span::raw(now.at.clone()),
        Span::raw(format!("   {} calls/s now, {} in the last minute", now.requests, short(minute.requests as f64))),
    ];
    if state.paused {
        first.push(Span::styled("   PAUSED", bold()));
    }
    let second = format!(
        "minute: {} failed   {} tokens   {}   p50 {}  p95 {}  ttft p95 {}",
        share(minute.error_rate()),
        short(minute.tokens as f64),
        money(&minute.cost),
        duration(minute.p50_ms),
        duration(minute.p95_ms),
        duration(minute.ttft_ms),
    );
    Paragraph::new(Text::from(vec![Line::from(first), Line::from(second)]))
}

fn tab_line(state: &State) -> Line<'static> {
    let mut spans = Vec::new();
    for (place, by) in By::ALL.into_iter().enumerate() {
        let text = format!("{} {}", place + 1, by.name());
        let style = if by == state.by { bold().add_modifier(Modifier::REVERSED) } else { Style::new() };
        spans.extend([Span::styled(text, style), Span::raw("  ")]);
    }
    spans.push(Span::raw(format!("│ last {}", state.window.name())));
    if !state.filters.is_empty() {
        spans.push(Span::styled(format!("  │ {}", table::filters(state)), bold()));
    }
    Line::from(spans)
}

fn rows(frame: &mut Frame<'_>, state: &State, area: Rect, color: bool) {
    let mark =
        |sort: Option<Sort>| if sort == Some(state.sort) { [" ▼", " ▲"][usize::from(state.ascending)] } else { "" };
    let right = |text: String| Cell::from(Text::from(text).alignment(Alignment::Right));
    let name = format!("{}{}", state.by.name().to_uppercase(), mark(Some(Sort::Name)));
    let heads = COLUMNS.map(|(head, sort)| right(format!("{head}{}", mark(sort))));
    let head = Row::new([Cell::from(name)].into_iter().chain(heads)).style(bold());
    let secs = state.window.secs();
    let line = |name: String, row: &super::figures::Row, style: Style| {
        Row::new([Cell::from(name)].into_iter().chain(table::cells(row, secs).map(right))).style(style)
    };
    let failing = |row: &super::figures::Row| row.error_rate().is_some_and(|rate| rate >= 0.1);
    let style = |row| if failing(row) { tint(color, Color::Red) } else { Style::new() };
    let shown = state.shown();
    let mut lines: Vec<Row<'_>> = shown.iter().map(|row| line(table::name(row), row, style(row))).collect();
    if let Some(total) = &state.total {
        lines.push(line(format!("total of {} rows", state.groups), total, bold()));
    }
    let widths = [Constraint::Fill(1)].into_iter().chain(WIDTHS.map(Constraint::Length));
    let chosen = Style::new().add_modifier(Modifier::REVERSED);
    let table = Table::new(lines, widths).header(head).row_highlight_style(chosen).column_spacing(1);
    let selected = (!shown.is_empty()).then_some(state.selected);
    frame.render_stateful_widget(table, area, &mut TableState::new().with_selected(selected));
}

fn footer(state: &State, color: bool) -> Line<'static> {
    if let Some(trouble) = &state.trouble {
        return Line::styled(printable(trouble), tint(color, Color::Red).add_modifier(Modifier::BOLD));
    }
    if state.searching || !state.search.is_empty() {
        return Line::from(format!(
            "/{}{}",
            printable(&state.search),
            if state.searching { "▏" } else { "   Esc: all" }
        ));
    }
    Line::from("? help   Enter into a row   Backspace out   s sort   w window   / search   Space pause   q quit")
}

fn help(frame: &mut Frame<'_>, color: bool) {
    let widest = keys::HELP.iter().map(|(_, what)| what.chars().count()).max().unwrap_or(0);
    let width = u16::try_from(widest + 18).unwrap_or(u16::MAX).min(frame.area().width);
    let height = u16::try_from(keys::HELP.len() + 2).unwrap_or(u16::MAX).min(frame.area().height);
    let area = Rect { x: (frame.area().width - width) / 2, y: (frame.area().height - height) / 2, width, height };
    let line = |(keys, what): &(&str, &str)| {
        Line::from(vec![Span::styled(format!(" {keys:<12} "), bold()), Span::raw((*what).to_owned())])
    };
    let text: Vec<Line<'_>> = keys::HELP.iter().map(line).collect();
    frame.render_widget(Clear, area);
    frame.render_widget(
        Paragraph::new(text).block(Block::bordered().title("keys").style(tint(color, Color::White))),
        area,
    );
}
