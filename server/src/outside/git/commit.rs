//! A commit of files on top of what a branch has, and its push. Never forced.

use super::{GitError, GitFile, Workplace};

/// What a commit says of itself.
pub(crate) struct Words {
    /// Who made it.
    pub(crate) author: String,
    /// What it is.
    pub(crate) message: String,
    /// When, in seconds since 1970.
    pub(crate) at: i64,
}

/// Where our own commit is kept until it is pushed.
const OURS: &str = "refs/gantry/push";

impl Workplace {
    /// Puts files on top of a commit, or of nothing, and takes those of `removed` away. None if that changes nothing.
    pub(crate) async fn commit(
        &self,
        base: Option<&str>,
        files: &[GitFile],
        removed: &[String],
        words: &Words,
    ) -> Result<Option<String>, GitError> {
        let mut stream: Vec<u8> = Vec::new();
        let name: String = words
            .author
            .chars()
            .map(|letter| if matches!(letter, '<' | '>') || letter.is_control() { ' ' } else { letter })
            .collect();
        let name = if name.trim().is_empty() { "Gantry" } else { name.trim() };
        stream.extend(
            format!(
                "commit {OURS}\ncommitter {name} <gantry@localhost> {} +0000\ndata {}\n",
                words.at,
                words.message.len()
            )
            .as_bytes(),
        );
        stream.extend(words.message.as_bytes());
        stream.push(b'\n');
        if let Some(base) = base {
            stream.extend(format!("from {base}\n").as_bytes());
        }
        // First, so that a file may come where a folder was.
        for path in removed {
            stream.extend(format!("D {}\n", quoted(path)).as_bytes());
        }
        for file in files {
            stream.extend(format!("M 100644 inline {}\ndata {}\n", quoted(&file.path), file.content.len()).as_bytes());
            stream.extend(&file.content);
            stream.push(b'\n');
        }
        stream.extend(b"done\n");
        self.run(&["fast-import", "--quiet", "--done", "--date-format=raw"], Some(stream)).await?;
        let ours = self.resolve(&format!("{OURS}^{{tree}}")).await?;
        if let Some(base) = base
            && self.resolve(&format!("{base}^{{tree}}")).await? == ours
        {
            return Ok(None);
        }
        self.resolve(OURS).await.map(Some)
    }

    /// Pushes the commit that was made to a branch, if that is still where it was.
    pub(crate) async fn push(&self, branch: &str) -> Result<(), GitError> {
        let url = self.address.to_string();
        let what = format!("{OURS}:refs/heads/{branch}");
        self.run(&["push", "--quiet", "--no-verify", "--no-recurse-submodules", "--", &url, &what], None).await?;
        Ok(())
    }
}

/// A path as fast-import reads it (git-fast-import, "<path>").
fn quoted(path: &str) -> String {
    let mut text = String::from("\"");
    for letter in path.chars() {
        match letter {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            letter => text.push(letter),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted() {
        assert_eq!(quoted("a b/\"c\".py"), "\"a b/\\\"c\\\".py\"");
    }
}
