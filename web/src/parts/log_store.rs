//! A log in memory: one arena for the text, and which of its lines are shown.
//!
//! A hundred thousand lines are one string and a few numbers each, outside of the reactive graph;
//! what is shown is found by arithmetic. Drawing is [`super::log_view`]'s; nothing here needs a browser.

use gantry_domain::Timestamp;
use gantry_domain::event::LogLevel;

/// The lines of a log, in the order in which they came.
#[derive(Debug)]
pub(crate) struct LogStore {
    text: String,
    lines: Vec<Line>,
    /// The groups that lines belong to: the steps of a build.
    groups: Vec<String>,
    warnings: Vec<u32>,
    errors: Vec<u32>,
    /// From which line on a moment holds. Lines come in batches, and a batch has one moment.
    moments: Vec<(u32, Timestamp)>,
    /// The moment of the lines that come next.
    moment: Option<Timestamp>,
    most_bytes: usize,
    most_lines: usize,
    left_out: usize,
}

impl Default for LogStore {
    fn default() -> Self {
        Self::with_room_for(MOST_BYTES, MOST_LINES)
    }
}

/// Where a line is, and what it is.
#[derive(Clone, Copy, Debug)]
struct Line {
    /// Where its text ends in the arena; it begins where the one before ends.
    end: u32,
    /// Which group it belongs to.
    group: u32,
    /// How serious it is.
    level: LogLevel,
}

/// How many bytes of text are kept: what comes after is only counted, and the view says so.
const MOST_BYTES: usize = 256 * 1024 * 1024;

/// How many lines are kept: browsers do not lay out taller elements than these make (Firefox ends at
/// about 17.9 million pixels).
const MOST_LINES: usize = 850_000;

impl LogStore {
    /// An empty log that keeps so much and counts the rest.
    fn with_room_for(most_bytes: usize, most_lines: usize) -> Self {
        Self {
            text: String::new(),
            lines: Vec::new(),
            groups: Vec::new(),
            warnings: Vec::new(),
            errors: Vec::new(),
            moments: Vec::new(),
            moment: None,
            most_bytes,
            most_lines,
            left_out: 0,
        }
    }

    /// Says when the lines that come next were written.
    pub(crate) fn at(&mut self, moment: Timestamp) {
        self.moment = Some(moment);
    }

    /// Adds a line. Escape sequences for terminals are left out, and of a line that was written over
    /// again and again only the last state is kept.
    pub(crate) fn push(&mut self, group: &str, level: LogLevel, text: &str) {
        // Once a line was left out all that follow are: a log with holes would look whole.
        if self.left_out > 0 || self.lines.len() == self.most_lines || self.text.len() + text.len() > self.most_bytes {
            self.left_out += 1;
            return;
        }
        let group = match self.groups.iter().rposition(|known| known == group) {
            Some(index) => index,
            None => {
                self.groups.push(group.to_owned());
                self.groups.len() - 1
            }
        };
        let number = self.lines.len() as u32;
        if let Some(moment) = self.moment.take() {
            self.moments.push((number, moment));
        }
        match level {
            LogLevel::Info => {}
            LogLevel::Warning => self.warnings.push(number),
            LogLevel::Error => self.errors.push(number),
        }
        write_plain(&mut self.text, text);
        self.lines.push(Line { end: self.text.len() as u32, group: group as u32, level });
    }

    /// How many lines there are.
    pub(crate) fn len(&self) -> usize {
        self.lines.len()
    }

    /// The text of a line, from 0; empty when there is none.
    pub(crate) fn line(&self, index: usize) -> &str {
        let Some(line) = self.lines.get(index) else { return "" };
        let begin = if index == 0 { 0 } else { self.lines[index - 1].end as usize };
        &self.text[begin..line.end as usize]
    }

    /// How serious a line is.
    pub(crate) fn level(&self, index: usize) -> LogLevel {
        self.lines.get(index).map_or(LogLevel::Info, |line| line.level)
    }

    /// When a line was written, to the batch that it came in; none when that is not known.
    pub(crate) fn moment(&self, index: usize) -> Option<Timestamp> {
        let after = self.moments.partition_point(|(first, _)| *first as usize <= index);
        self.moments.get(after.checked_sub(1)?).map(|(_, moment)| *moment)
    }

    /// How many lines came for which there is no room.
    pub(crate) fn left_out(&self) -> usize {
        self.left_out
    }

    /// How many lines are warnings.
    pub(crate) fn warnings(&self) -> usize {
        self.warnings.len()
    }

    /// The numbers of the lines that are errors, in order.
    pub(crate) fn errors(&self) -> &[u32] {
        &self.errors
    }
}

/// Writes a line without the sequences that only a terminal understands.
fn write_plain(arena: &mut String, text: &str) {
    let text = text.trim_end_matches(['\r', '\n']);
    let text = text.rsplit('\r').next().unwrap_or(text);
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' => skip_sequence(&mut rest),
            '\t' => arena.push_str("    "),
            // A line is one line, whatever came with it; direction marks must not reorder what is around them.
            c if c.is_control() => arena.push('\u{fffd}'),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => arena.push('\u{fffd}'),
            c => arena.push(c),
        }
    }
}

/// Skips the rest of an escape sequence (ECMA-48): CSI up to its final byte, OSC up to its end.
fn skip_sequence(rest: &mut std::str::Chars<'_>) {
    match rest.next() {
        Some('[') => while rest.next().is_some_and(|c| !('@'..='~').contains(&c)) {},
        Some(']') => {
            while let Some(c) = rest.next() {
                if c == '\u{7}' {
                    return;
                }
                if c == '\u{1b}' {
                    rest.next();
                    return;
                }
            }
        }
        _ => {}
    }
}

/// Which lines are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LogFilter {
    /// The least level.
    pub(crate) level: LevelFilter,
    /// Only the lines of this group.
    pub(crate) group: Option<String>,
}

/// The least level that is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LevelFilter {
    /// Every line.
    #[default]
    All,
    /// Warnings and errors.
    Warnings,
    /// Errors.
    Errors,
}

impl LevelFilter {
    fn lets_pass(self, level: LogLevel) -> bool {
        match self {
            Self::All => true,
            Self::Warnings => level != LogLevel::Info,
            Self::Errors => level == LogLevel::Error,
        }
    }
}

/// The rows on the screen: which piece of which line is in which row. Grows with the log.
#[derive(Debug, Default)]
pub(crate) struct LogRows {
    filter: LogFilter,
    /// Characters to a row; 0 does not wrap.
    columns: usize,
    /// The lines that pass the filter; unused while every line does.
    shown: Vec<u32>,
    /// For each shown line, its first row; unused while lines are not wrapped.
    first_rows: Vec<u32>,
    /// How many rows there are when lines are wrapped.
    wrapped_rows: u32,
    /// How many lines of the log were looked at.
    looked_at: usize,
}

/// What is in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// The line, from 0.
    pub(crate) line: usize,
    /// Which piece of the line, from 0: above 0 only when lines are wrapped.
    pub(crate) piece: usize,
}

impl LogRows {
    /// Rows for the lines that pass a filter, wrapped after so many characters; 0 does not wrap.
    pub(crate) fn new(filter: LogFilter, columns: usize) -> Self {
        Self { filter, columns, ..Self::default() }
    }

    fn shows_every_line(&self) -> bool {
        self.filter == LogFilter::default()
    }

    /// Looks at the lines that came since the last time.
    pub(crate) fn update(&mut self, log: &LogStore) {
        if self.shows_every_line() && self.columns == 0 {
            self.looked_at = log.len();
            return;
        }
        // A group that has no line yet has none to show.
        let group = self.filter.group.as_ref().map(|name| log.groups.iter().position(|known| known == name));
        for index in self.looked_at..log.len() {
            let line = log.lines[index];
            let in_group = group.is_none_or(|group| group == Some(line.group as usize));
            if !in_group || !self.filter.level.lets_pass(line.level) {
                continue;
            }
            if !self.shows_every_line() {
                self.shown.push(index as u32);
            }
            if self.columns > 0 {
                self.first_rows.push(self.wrapped_rows);
                let characters = log.line(index).chars().count();
                self.wrapped_rows += characters.div_ceil(self.columns).max(1) as u32;
            }
        }
        self.looked_at = log.len();
    }

    /// How many lines are shown.
    pub(crate) fn lines(&self) -> usize {
        if self.shows_every_line() { self.looked_at } else { self.shown.len() }
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        if self.columns > 0 { self.wrapped_rows as usize } else { self.lines() }
    }

    fn line_at(&self, place: usize) -> Option<usize> {
        if self.shows_every_line() {
            (place < self.looked_at).then_some(place)
        } else {
            self.shown.get(place).map(|line| *line as usize)
        }
    }

    /// What is in a row.
    pub(crate) fn row(&self, row: usize) -> Option<Row> {
        if self.columns == 0 {
            return self.line_at(row).map(|line| Row { line, piece: 0 });
        }
        if row >= self.len() {
            return None;
        }
        let place = self.first_rows.partition_point(|first| *first as usize <= row).checked_sub(1)?;
        Some(Row { line: self.line_at(place)?, piece: row - self.first_rows[place] as usize })
    }

    /// The text in a row.
    pub(crate) fn text<'log>(&self, log: &'log LogStore, row: Row) -> &'log str {
        let line = log.line(row.line);
        if self.columns == 0 {
            return line;
        }
        let at = |characters: usize| line.char_indices().nth(characters).map_or(line.len(), |(byte, _)| byte);
        &line[at(row.piece * self.columns)..at((row.piece + 1) * self.columns)]
    }

    /// The row that a line begins in, or where it would be if it is not shown.
    pub(crate) fn row_of(&self, line: usize) -> usize {
        let place = if self.shows_every_line() {
            line.min(self.looked_at)
        } else {
            self.shown.partition_point(|shown| (*shown as usize) < line)
        };
        if self.columns == 0 {
            return place;
        }
        self.first_rows.get(place).map_or(self.len(), |row| *row as usize)
    }

    /// Whether a line is shown.
    pub(crate) fn shows(&self, line: usize) -> bool {
        if self.shows_every_line() { line < self.looked_at } else { self.shown.binary_search(&(line as u32)).is_ok() }
    }

    /// The text of all shown lines, for copying.
    pub(crate) fn whole_text(&self, log: &LogStore) -> String {
        let mut text = String::new();
        for line in (0..self.lines()).filter_map(|place| self.line_at(place)) {
            text.push_str(log.line(line));
            text.push('\n');
        }
        text
    }
}

/// A search through the shown lines, a slice at a time so that no frame is held up.
#[derive(Debug, Default)]
pub(crate) struct LogSearch {
    words: String,
    matches: Vec<u32>,
    looked_at: usize,
}

impl LogSearch {
    /// A search for words, whatever their case (in ASCII); empty words match nothing.
    pub(crate) fn new(words: &str) -> Self {
        Self { words: words.to_ascii_lowercase(), ..Self::default() }
    }

    /// Whether there is anything to look for.
    pub(crate) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Looks at some more of the shown lines; says whether there are more to look at.
    pub(crate) fn step(&mut self, log: &LogStore, rows: &LogRows, lines: usize) -> bool {
        if self.is_empty() {
            return false;
        }
        let end = rows.lines().min(self.looked_at + lines);
        for line in (self.looked_at..end).filter_map(|place| rows.line_at(place)) {
            if find(log.line(line), &self.words).is_some() {
                self.matches.push(line as u32);
            }
        }
        self.looked_at = end;
        end < rows.lines()
    }

    /// The lines that match, in order.
    pub(crate) fn matches(&self) -> &[u32] {
        &self.matches
    }

    /// Whether a line is known to match.
    pub(crate) fn has(&self, line: usize) -> bool {
        self.matches.binary_search(&(line as u32)).is_ok()
    }

    /// Where the words are in a text, in bytes.
    pub(crate) fn find_in(&self, text: &str) -> Option<(usize, usize)> {
        let begin = find(text, &self.words)?;
        Some((begin, begin + self.words.len()))
    }
}

/// Where `words`, in lower case, begin in `text`, whatever its case in ASCII.
fn find(text: &str, words: &str) -> Option<usize> {
    let (text, words) = (text.as_bytes(), words.as_bytes());
    let first = *words.first()?;
    let last = text.len().checked_sub(words.len())?;
    // Equal bytes from the start of a character end at the end of one, so both are fit to cut at.
    (0..=last).find(|begin| {
        text[*begin].to_ascii_lowercase() == first && text[*begin..*begin + words.len()].eq_ignore_ascii_case(words)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(lines: &[(&str, LogLevel, &str)]) -> LogStore {
        let mut log = LogStore::default();
        for (group, level, text) in lines {
            log.push(group, *level, text);
        }
        log
    }

    fn sample() -> LogStore {
        log(&[
            ("a", LogLevel::Info, "one"),
            ("b", LogLevel::Warning, "two is longer"),
            ("a", LogLevel::Error, ""),
            ("b", LogLevel::Info, "fôur"),
        ])
    }

    fn rows(log: &LogStore, level: LevelFilter, group: Option<&str>, columns: usize) -> LogRows {
        let mut rows = LogRows::new(LogFilter { level, group: group.map(str::to_owned) }, columns);
        rows.update(log);
        rows
    }

    fn shown(log: &LogStore, rows: &LogRows) -> Vec<String> {
        (0..rows.len()).map(|row| rows.text(log, rows.row(row).unwrap()).to_owned()).collect()
    }

    #[test]
    fn lines_come_back_as_they_were() {
        let log = sample();
        assert_eq!((log.len(), log.warnings(), log.errors()), (4, 1, &[2][..]));
        assert_eq!(["one", "two is longer", "", "fôur"], [0, 1, 2, 3].map(|index| log.line(index)));
        assert_eq!(log.line(4), "");
    }

    #[test]
    fn what_there_is_no_room_for_is_counted_and_leaves_no_holes() {
        let mut log = LogStore::with_room_for(10, 3);
        for text in ["four", "more than fits", "six"] {
            log.push("a", LogLevel::Info, text);
        }
        assert_eq!((log.len(), log.left_out(), log.line(0)), (1, 2, "four"));
        let mut log = LogStore::with_room_for(1_000, 3);
        for _ in 0..5 {
            log.push("a", LogLevel::Error, "x");
        }
        assert_eq!((log.len(), log.left_out(), log.errors().len()), (3, 2, 3));
    }

    #[test]
    fn lines_have_the_moment_of_their_batch() {
        let moment = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        let mut log = LogStore::default();
        log.push("a", LogLevel::Info, "nobody said when");
        log.at(moment(5));
        log.push("a", LogLevel::Info, "one");
        log.push("a", LogLevel::Info, "two");
        log.at(moment(7));
        log.push("a", LogLevel::Info, "three");
        let moments: Vec<_> = (0..4).map(|index| log.moment(index)).collect();
        assert_eq!(moments, [None, Some(moment(5)), Some(moment(5)), Some(moment(7))]);
    }

    #[test]
    fn what_only_a_terminal_understands_is_left_out() {
        let line = |text| log(&[("", LogLevel::Info, text)]).line(0).to_owned();
        assert_eq!(line("\u{1b}[1;32mok\u{1b}[0m\r\n"), "ok");
        assert_eq!(line("10%\r50%\r100%"), "100%");
        assert_eq!(line("\u{1b}]0;title\u{7}text\tend"), "text    end");
        assert_eq!(line("a\0b\u{202e}c"), "a\u{fffd}b\u{fffd}c");
        assert_eq!(line("cut \u{1b}[3"), "cut ");
    }

    #[test]
    fn filters_show_levels_and_groups() {
        let log = sample();
        assert_eq!(shown(&log, &rows(&log, LevelFilter::All, None, 0)).len(), 4);
        assert_eq!(shown(&log, &rows(&log, LevelFilter::Warnings, None, 0)), ["two is longer", ""]);
        assert_eq!(shown(&log, &rows(&log, LevelFilter::Errors, None, 0)), [""]);
        assert_eq!(shown(&log, &rows(&log, LevelFilter::All, Some("a"), 0)), ["one", ""]);
        assert_eq!(shown(&log, &rows(&log, LevelFilter::Warnings, Some("b"), 0)), ["two is longer"]);
        assert!(shown(&log, &rows(&log, LevelFilter::All, Some("unknown"), 0)).is_empty());
    }

    #[test]
    fn wrapped_lines_take_as_many_rows_as_they_need() {
        let log = sample();
        let all = rows(&log, LevelFilter::All, None, 5);
        assert_eq!(shown(&log, &all), ["one", "two i", "s lon", "ger", "", "fôur"]);
        assert_eq!(all.row(2), Some(Row { line: 1, piece: 1 }));
        assert_eq!((0..4).map(|line| all.row_of(line)).collect::<Vec<_>>(), [0, 1, 4, 5]);
        assert_eq!(all.row(6), None);
        let b = rows(&log, LevelFilter::All, Some("b"), 5);
        assert_eq!(shown(&log, &b), ["two i", "s lon", "ger", "fôur"]);
        assert_eq!((b.row_of(1), b.row_of(3), b.row_of(9)), (0, 3, 4));
    }

    #[test]
    fn rows_grow_with_the_log() {
        let whole = sample();
        let mut growing = LogStore::default();
        for (level, group, columns) in [
            (LevelFilter::All, None, 0),
            (LevelFilter::All, None, 3),
            (LevelFilter::Warnings, None, 3),
            (LevelFilter::All, Some("b"), 0),
        ] {
            growing = LogStore::default();
            let mut rows_so_far = rows(&growing, level, group, columns);
            for index in 0..whole.len() {
                let group = whole.groups[whole.lines[index].group as usize].clone();
                growing.push(&group, whole.level(index), whole.line(index));
                rows_so_far.update(&growing);
            }
            assert_eq!(shown(&growing, &rows_so_far), shown(&whole, &rows(&whole, level, group, columns)));
        }
        assert_eq!(growing.len(), 4);
    }

    #[test]
    fn a_search_finds_the_same_in_slices() {
        let log = log(&[
            ("", LogLevel::Info, "Error: ÄRGER"),
            ("", LogLevel::Info, "fine"),
            ("", LogLevel::Error, "an ERROR again"),
        ]);
        let rows = rows(&log, LevelFilter::All, None, 0);
        let mut search = LogSearch::new("eRRor");
        while search.step(&log, &rows, 1) {}
        assert_eq!(search.matches(), [0, 2]);
        assert!(search.has(2) && !search.has(1));
        assert_eq!(search.find_in(log.line(2)), Some((3, 8)));
        assert_eq!(LogSearch::new("är").find_in("Jär"), Some((1, 4)));
        let mut nothing = LogSearch::new("");
        assert!(!nothing.step(&log, &rows, 10));
        assert!(nothing.matches().is_empty());
    }

    #[test]
    fn copying_takes_what_is_shown() {
        let log = sample();
        assert_eq!(rows(&log, LevelFilter::All, Some("a"), 0).whole_text(&log), "one\n\n");
    }
}
