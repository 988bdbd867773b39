//! What the files of the dashboard may not contain, held by reading them: nothing that turns text
//! into markup or code, nothing inline that the content security policy would refuse, nothing from
//! elsewhere, nothing that is not there.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

const MAX_BYTES: usize = 64 << 10;

/// What turns a text into markup or code. Values from calls are hostile: they become text nodes.
const DANGEROUS: &[&str] = &[
    "innerHTML",
    "outerHTML",
    "insertAdjacentHTML",
    "createContextualFragment",
    "DOMParser",
    "parseFromString",
    "setHTML",
    "srcdoc",
    "document.write",
    "eval(",
    "Function(",
    "javascript:",
    "setAttribute(\"on",
    "setAttribute('on",
    "setAttribute(\"style",
    "setAttribute('style",
];

/// Names, not addresses: nothing is fetched from them.
const NAMESPACES: &[&str] =
    &["http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink", "http://www.w3.org/1999/xhtml"];

struct Asset {
    path: String,
    text: String,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/server/dashboard/assets")
}

/// The page of the API's reference, with its files beside it.
fn reference() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/server/openapi/reference")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("readable").path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Every file of the dashboard that is text, by its path below the folder.
fn assets() -> Vec<Asset> {
    below(&folder())
}

fn below(folder: &Path) -> Vec<Asset> {
    let read = |file: PathBuf| {
        let path = file.strip_prefix(folder).expect("inside").to_str().expect("UTF-8").to_owned();
        let text = fs::read_to_string(&file).ok()?;
        Some(Asset { path, text })
    };
    files(folder).into_iter().filter_map(read).collect()
}

/// The same of every page.
fn pages() -> Vec<Asset> {
    assets().into_iter().chain(below(&reference())).collect()
}

fn line_of(text: &str, place: usize) -> usize {
    text[..place].matches('\n').count() + 1
}

/// Where one of some texts stands, as `text in line n`.
fn found(text: &str, banned: &[&str]) -> Vec<String> {
    let places = banned.iter().flat_map(|banned| text.match_indices(banned));
    places.map(|(place, banned)| format!("`{banned}` in line {}", line_of(text, place))).collect()
}

/// Addresses of other servers, outside of comments.
fn foreign(text: &str) -> Vec<String> {
    let comment = |line: &&str| ["//", "/*", "* ", "*/"].iter().any(|start| line.trim_start().starts_with(start));
    let mut text: String = text.lines().map(|line| if comment(&line) { "" } else { line }.to_owned() + "\n").collect();
    for namespace in NAMESPACES {
        text = text.replace(&format!("\"{namespace}\""), "");
    }
    found(&text, &["://", "\"//", "'//", "`//", "url(//"])
}

/// The attributes of a page's elements, as `(element, name, value)`. Quotes are double in our pages.
fn attributes(html: &str) -> Vec<(String, String, String)> {
    let tags = html.split('<').skip(1).filter(|tag| tag.starts_with(|c: char| c.is_ascii_alphabetic()));
    let mut attributes = Vec::new();
    for tag in tags {
        let mut quoted = false;
        let end = tag.find(|c| {
            quoted ^= c == '"';
            c == '>' && !quoted
        });
        let tag = &tag[..end.unwrap_or(tag.len())];
        let (element, mut rest) = tag.split_once(char::is_whitespace).unwrap_or((tag, ""));
        attributes.push((element.to_owned(), String::new(), String::new()));
        while let Some((name, behind)) = rest.split_once("=\"") {
            let (value, behind) = behind.split_once('"').expect("a closing quote");
            let name = name.split_whitespace().last().unwrap_or_default();
            attributes.push((element.to_owned(), name.to_ascii_lowercase(), value.to_owned()));
            rest = behind;
        }
    }
    attributes
}

/// What the policy would refuse in a page, and what would be code in it.
fn inline(html: &str) -> Vec<String> {
    let attributes = attributes(html);
    let scripts = attributes.iter().filter(|(element, name, _)| element == "script" && name.is_empty()).count();
    let sources = attributes.iter().filter(|(element, name, _)| element == "script" && name == "src").count();
    let mut found = Vec::new();
    if scripts != sources {
        found.push("a script without `src`".to_owned());
    }
    for (element, name, _) in &attributes {
        if name.starts_with("on") || name == "style" || element == "style" || element == "base" {
            found.push(format!("<{element} {name}>"));
        }
    }
    found
}

/// What a file asks for besides the API, as paths below the folder.
fn wanted(asset: &Asset) -> Vec<String> {
    let text = &asset.text;
    let mut wanted = Vec::new();
    for quote in ['"', '\'', '`', '('] {
        let start = format!("{quote}/assets/");
        let named = text.split(&start).skip(1);
        wanted.extend(named.map(|rest| rest.split(['"', '\'', '`', ')']).next().unwrap_or_default().to_owned()));
    }
    if asset.path.ends_with(".js") {
        let relative = ["from \"", "from '", "import \"", "import '", "import(\"", "import('"];
        for imported in relative.iter().flat_map(|start| text.split(start).skip(1)) {
            let path = imported.split(['"', '\'']).next().unwrap_or_default();
            if path.starts_with('.') {
                wanted.push(resolved(&asset.path, path));
            }
        }
    }
    wanted
}

/// A relative path, seen from a file.
fn resolved(from: &str, path: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[test]
fn nothing_turns_text_into_markup_or_code() {
    for asset in pages() {
        assert_eq!(found(&asset.text, DANGEROUS), Vec::<String>::new(), "{}", asset.path);
    }
}

#[test]
fn nothing_is_inline_and_nothing_comes_from_elsewhere() {
    for asset in pages() {
        assert_eq!(foreign(&asset.text), Vec::<String>::new(), "{}", asset.path);
        if asset.path.ends_with(".html") || asset.path.ends_with(".svg") {
            assert_eq!(inline(&asset.text), Vec::<String>::new(), "{}", asset.path);
        }
        if asset.path.ends_with(".css") {
            assert_eq!(found(&asset.text, &["@import", "expression("]), Vec::<String>::new(), "{}", asset.path);
        }
    }
}

#[test]
fn every_file_is_small() {
    for file in files(&folder()) {
        let bytes = fs::read(&file).expect("readable").len();
        assert!(bytes < MAX_BYTES, "{}: {bytes} bytes", file.display());
    }
}

#[test]
fn every_file_that_is_named_exists() {
    let assets = assets();
    assert!(assets.iter().any(|asset| asset.path == "index.html"), "the page was found");
    for asset in &assets {
        for path in wanted(asset) {
            assert!(folder().join(&path).is_file(), "{} names `{path}`", asset.path);
        }
    }
}

#[test]
fn planted_violations_are_found() {
    for code in ["a.innerHTML = b", "eval(x)", "new Function('a')", "e.setAttribute(\"onclick\", x)"] {
        assert_eq!(found(code, DANGEROUS).len(), 1, "{code}");
    }
    assert_eq!(found("\n x.textContent = y", DANGEROUS), Vec::<String>::new());
    assert_eq!(found("a\nb.outerHTML", DANGEROUS), ["`outerHTML` in line 2"]);
    for address in ["\"https://cdn.example/x.js\"", "url(//a/b)", "x = '//a'", "new WebSocket(\"wss://a\")"] {
        assert_eq!(foreign(address).len(), 1, "{address}");
    }
    assert_eq!(foreign("a\n  // https://a"), Vec::<String>::new());
    assert_eq!(foreign("createElementNS(\"http://www.w3.org/2000/svg\", name)"), Vec::<String>::new());
    for page in
        ["<p onclick=\"f()\">", "<p style=\"a:b\">", "<script>f()</script>", "<style>a{}</style>", "<base href=\"/\">"]
    {
        assert!(!inline(page).is_empty(), "{page}");
    }
    assert!(inline("<script type=\"module\" src=\"/assets/a.js\"></script><p class=\"x > y\" id=\"on\">").is_empty());
    let asset = |path: &str, text: &str| Asset { path: path.to_owned(), text: text.to_owned() };
    assert_eq!(wanted(&asset("a/b.js", "import x from \"../c.js\";\nimport './d.js'")), ["c.js", "a/d.js"]);
    assert_eq!(wanted(&asset("i.html", "<link href=\"/assets/a.css\">")), ["a.css"]);
    assert_eq!(wanted(&asset("a.css", "url(/assets/a.svg)")), ["a.svg"]);
}
