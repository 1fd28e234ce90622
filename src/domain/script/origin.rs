//! Where a text begins in its file. Its first line is a comment such as `-- pg_migrations: line 12`,
//! with the number that the next line has in the file. The checksum leaves the comment out, since it
//! has no effect.

const MARK: &str = "-- pg_migrations: line ";

/// The most digits that are read.
const DIGITS: usize = 9;

/// A text that begins at a line of its file, from 1, with the comment.
pub fn marked(line: usize, text: String) -> String {
    if line <= 1 || text.is_empty() {
        return text;
    }
    let mut whole = format!("{MARK}{line}\n");
    super::super::room::push_str(&mut whole, &text);
    whole
}

/// The line of its file at which a text begins, and the text without the comment.
pub fn split(text: &str) -> (usize, &str) {
    read(text).unwrap_or((1, text))
}

fn read(text: &str) -> Option<(usize, &str)> {
    let rest = text.strip_prefix(MARK)?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = rest.split_at_checked(digits).filter(|_| digits <= DIGITS)?;
    let rest = rest.strip_prefix('\r').unwrap_or(rest).strip_prefix('\n')?;
    let line = number.parse().ok().filter(|line| *line > 1)?;
    Some((line, rest))
}

/// The line of its file for a text's first line. With a comment that is the line before the one
/// that the comment names.
pub fn first_line(text: &str) -> usize {
    read(text).map_or(1, |(line, _)| line - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for line in [2, 3, 375_000] {
            let text = marked(line, "SELECT 1\n".to_owned());
            assert_eq!(split(&text), (line, "SELECT 1\n"));
            assert_eq!(first_line(&text), line - 1);
            assert_eq!(split(&text.replace('\n', "\r\n")), (line, "SELECT 1\r\n"));
        }
        assert_eq!(marked(1, "x".to_owned()), "x");
        assert_eq!(marked(9, String::new()), "");
    }

    #[test]
    fn other_comments_say_nothing() {
        for text in [
            "",
            "SELECT 1",
            "-- pg_migrations: line 7",
            "-- pg_migrations: line \n",
            "-- pg_migrations: line 0\n",
            "-- pg_migrations: line 1\n",
            "-- pg_migrations: line 7x\n",
            "-- pg_migrations: line 9999999999\n",
            " -- pg_migrations: line 7\n",
        ] {
            assert_eq!((split(text), first_line(text)), ((1, text), 1), "{text:?}");
        }
    }
}
