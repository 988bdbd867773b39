//! Pictures of the page, for people to look at.
//!
//! ```text
//! TALLYRING_SHOTS=DIR cargo test --locked --test browser shots
//! TALLYRING_SHOTS=DIR TALLYRING_SHOTS_URL=http://127.0.0.1:8723 …   of a server that runs, such as the demo
//! ```

use crate::office::Hour;
use crate::office::office;
use crate::office::send;
use crate::support::Server;
use crate::tab::Tab;
use std::env;
use std::path::PathBuf;

#[test]
fn pictures_are_written_where_they_are_asked_for() {
    let Some(folder) = env::var_os("TALLYRING_SHOTS").map(PathBuf::from) else { return };
    let Some(tab) = Tab::new("pictures_are_written_where_they_are_asked_for") else { return };
    std::fs::create_dir_all(&folder).unwrap();
    let (server, hour) = (Server::start(), Hour::past());
    send(&server, &office(&hour));
    let own = format!("http://{}", server.address);
    let (site, views) = match env::var("TALLYRING_SHOTS_URL") {
        Ok(url) => (
            url.trim_end_matches('/').to_owned(),
            vec![("day", "range=24h".to_owned()), ("heat", "range=6h&view=heat&compare=1".to_owned())],
        ),
        Err(_) => (own, vec![("hour", hour.page()), ("empty", "range=5m".to_owned())]),
    };
    for (name, view) in views {
        for (width, height) in [(1_440, 900), (390, 844)] {
            for theme in ["light", "dark"] {
                for language in ["en", "zh"] {
                    tab.size(width, height);
                    tab.scheme(theme);
                    tab.visit(&format!("{site}/?{view}&lang={language}"));
                    tab.settle();
                    tab.picture(&folder.join(format!("{name}-{width}-{theme}-{language}.png")));
                }
            }
        }
    }
    tab.scheme("");
}
