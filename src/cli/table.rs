//! A small table: text to the left, numbers to the right.
//!
//! Values come from events, so they are hostile: control characters, which could move the cursor
//! or change the terminal's title, are shown escaped.

use unicode_width::UnicodeWidthStr;

/// One value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cell {
    /// As it is shown.
    text: String,
    /// As it stands in CSV, where that differs.
    raw: Option<String>,
    kind: Kind,
}

/// How a value is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Text,
    Number,
    Money,
}

impl Cell {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), raw: None, kind: Kind::Text }
    }

    /// A number: `raw` as machines read it, shown with its thousands apart.
    pub(super) fn number(raw: impl Into<String>) -> Self {
        let raw = raw.into();
        Self { text: grouped(&raw), raw: Some(raw), kind: Kind::Number }
    }

    /// A number that is written for people already.
    pub(super) fn figure(text: impl Into<String>) -> Self {
        Self { text: text.into(), raw: None, kind: Kind::Number }
    }

    /// An amount: a number whose column is shown with as many decimals as it needs.
    pub(super) fn money(raw: impl Into<String>) -> Self {
        Self { kind: Kind::Money, ..Self::number(raw) }
    }

    /// A share of one, shown in per cent.
    pub(super) fn share(raw: impl Into<String>) -> Self {
        let raw = raw.into();
        let text = raw.parse().map_or_else(|_| raw.clone(), |share: f64| format!("{:.2} %", share * 100.0));
        Self { text, raw: Some(raw), kind: Kind::Number }
    }

    /// The value in CSV. Spreadsheets run text that begins like a formula: a quote in front keeps
    /// it text, as in the server's own CSV.
    fn csv(&self) -> String {
        let formula = self.kind == Kind::Text && self.text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
        if formula { format!("'{}", self.text) } else { self.raw().to_owned() }
    }

    /// The value as machines read it.
    pub(super) fn raw(&self) -> &str {
        self.raw.as_deref().unwrap_or(&self.text)
    }
}

/// Rows of named values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Table {
    /// Lines above the table; not in CSV.
    pub(super) title: Option<String>,
    rows: Vec<Vec<(String, Cell)>>,
}

impl Table {
    pub(super) fn titled(title: impl Into<String>) -> Self {
        Self::under(Some(title.into()))
    }

    /// An empty table under a title, if there is one.
    pub(super) fn under(title: Option<String>) -> Self {
        Self { title, rows: Vec::new() }
    }

    /// Adds a row.
    pub(super) fn push(&mut self, row: impl IntoIterator<Item = (String, Cell)>) {
        self.rows.push(row.into_iter().collect());
    }

    /// The names of all rows. One that only a later row has stands where that row has it, so that
    /// a second currency comes beside the first.
    fn columns(&self) -> Vec<&str> {
        let mut columns: Vec<&str> = Vec::new();
        for row in &self.rows {
            let mut next = 0;
            for (name, _) in row {
                let place = columns.iter().position(|column| column == name);
                let place = place.unwrap_or_else(|| {
                    columns.insert(next, name);
                    next
                });
                next = place + 1;
            }
        }
        columns
    }

    /// Comma-separated values with a head line.
    pub(super) fn csv(&self) -> String {
        let columns = self.columns();
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(&columns).expect("memory takes everything");
        for row in &self.rows {
            let cells = columns.iter().map(|name| find(row, name).map(Cell::csv).unwrap_or_default());
            writer.write_record(cells).expect("rows have the length of the head");
        }
        let bytes = writer.into_inner().expect("memory takes everything");
        String::from_utf8(bytes).expect("made of strings")
    }

    /// For people: aligned columns, without those that tell nothing.
    pub(super) fn render(&self, bold: bool) -> String {
        let title = self.title.iter().flat_map(|title| title.lines());
        let mut text: String = title.map(|line| printable(line) + "\n").collect();
        if self.rows.is_empty() {
            return text + "(none)\n";
        }
        let columns: Vec<Column> = self.columns().into_iter().filter_map(|name| self.column(name)).collect();
        for line in 0..=self.rows.len() {
            let cells: Vec<String> = columns.iter().map(|column| column.padded(line)).collect();
            let line_text = cells.join("  ").trim_end().to_owned();
            text += &if bold && line == 0 { format!("\x1b[1m{line_text}\x1b[0m") } else { line_text };
            text.push('\n');
        }
        text
    }

    /// One column as it is printed, its head first; `None` where no row tells anything.
    fn column(&self, name: &str) -> Option<Column> {
        let cells: Vec<Option<&Cell>> = self.rows.iter().map(|row| find(row, name)).collect();
        let told = || cells.iter().flatten().filter(|cell| !cell.text.is_empty());
        told().next()?;
        let right = told().any(|cell| cell.kind != Kind::Text);
        let money = told().filter(|cell| cell.kind == Kind::Money);
        let places = money.map(|cell| decimals(cell.text.trim_end_matches('0'))).max().unwrap_or(0).max(2);
        let shown = |cell: &Option<&Cell>| match cell {
            Some(cell) if cell.kind == Kind::Money => shortened(&cell.text, places).to_owned(),
            Some(cell) => printable(&cell.text),
            None => String::new(),
        };
        let lines: Vec<String> = std::iter::once(printable(name)).chain(cells.iter().map(shown)).collect();
        let width = lines.iter().map(|line| line.width()).max().unwrap_or(0);
        Some(Column { lines, width, right })
    }
}

fn find<'a>(row: &'a [(String, Cell)], name: &str) -> Option<&'a Cell> {
    row.iter().find(|(known, _)| known == name).map(|(_, cell)| cell)
}

/// A column ready to be printed.
struct Column {
    lines: Vec<String>,
    width: usize,
    right: bool,
}

impl Column {
    fn padded(&self, line: usize) -> String {
        let text = &self.lines[line];
        let space = " ".repeat(self.width.saturating_sub(text.width()));
        if self.right { space + text } else { text.clone() + &space }
    }
}

fn decimals(number: &str) -> usize {
    number.split_once('.').map_or(0, |(_, fraction)| fraction.len())
}

/// An amount without the zeros that no amount of its column needs.
fn shortened(amount: &str, places: usize) -> &str {
    &amount[..amount.len() - decimals(amount).saturating_sub(places)]
}

/// Characters that could move the cursor or worse, or turn the text around them, shown escaped.
pub(super) fn printable(text: &str) -> String {
    let turns = |c| matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().flat_map(|c| if c.is_control() || turns(c) { c.escape_default().collect() } else { vec![c] }).collect()
}

/// `1234567.125` as `1,234,567.125`.
fn grouped(number: &str) -> String {
    let (sign, digits) = number.strip_prefix('-').map_or(("", number), |rest| ("-", rest));
    let (whole, rest) = digits.split_at(digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len()));
    let mut text = String::from(sign);
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Table {
        let mut table = Table::titled("usage");
        let row = |name: &str, n: &str| {
            [
                ("model".to_owned(), Cell::text(name)),
                ("requests".to_owned(), Cell::number(n)),
                ("x".to_owned(), Cell::default()),
            ]
        };
        table.push(row("模型", "1234567"));
        table.push(row("gpt-4o", "5"));
        table
    }

    #[test]
    fn numbers_stand_to_the_right_and_wide_letters_count_twice() {
        assert_eq!(sample().render(false), "usage\nmodel    requests\n模型    1,234,567\ngpt-4o          5\n");
    }

    #[test]
    fn amounts_lose_only_zeros() {
        let mut table = Table::default();
        for amount in ["1234.500000000", "0.001289000", "3.000000000"] {
            table.push([("cost_USD".to_owned(), Cell::money(amount))]);
        }
        assert_eq!(table.render(false), "    cost_USD\n1,234.500000\n    0.001289\n    3.000000\n");
        assert_eq!(Cell::share("0.013339362423694325").text, "1.33 %");
    }

    #[test]
    fn a_late_column_stands_where_its_row_has_it() {
        let mut table = Table::default();
        for names in [["a", "cost_USD", "z"], ["a", "cost_CNY", "z"]] {
            table.push(names.map(|name| (name.to_owned(), Cell::text(name))));
        }
        assert_eq!(table.csv(), "a,cost_CNY,cost_USD,z\na,,cost_USD,z\na,cost_CNY,,z\n");
    }

    #[test]
    fn csv_is_for_machines() {
        assert_eq!(sample().csv(), "model,requests,x\n模型,1234567,\ngpt-4o,5,\n");
        let cells = [Cell::text("=1+1"), Cell::text("@x"), Cell::text("a=1"), Cell::number("-1")];
        assert_eq!(cells.each_ref().map(Cell::csv), ["'=1+1", "'@x", "a=1", "-1"]);
    }

    #[test]
    fn a_terminal_is_not_at_the_mercy_of_a_user_name() {
        let mut table = Table::default();
        table.push([("user".to_owned(), Cell::text("\x1b]0;owned\x07\n"))]);
        let text = table.render(false);
        assert_eq!(text, "user\n\\u{1b}]0;owned\\u{7}\\n\n");
    }

    #[test]
    fn thousands_stand_apart() {
        for (raw, shown) in
            [("0", "0"), ("999", "999"), ("1000", "1,000"), ("-1234567.1234", "-1,234,567.1234"), ("", "")]
        {
            assert_eq!(grouped(raw), shown);
        }
    }
}
