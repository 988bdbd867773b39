//! The two threads that speak with the server: one follows the stream, one asks for the table.

use super::super::client::Client;
use super::super::exit::Failure;
use super::super::stream::Events;
use super::figures::Row;
use super::figures::Second;
use super::news::Answer;
use super::news::News;
use super::news::Question;
use serde_json::Value;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::Sender;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

/// Rows asked for: more than a terminal shows.
const LIMIT: usize = 200;
/// How long to wait before a stream that was lost is asked for again.
const AGAIN: Duration = Duration::from_secs(2);

/// The threads' ends of the program's side.
pub(super) struct Feed {
    pub(super) news: Receiver<News>,
    questions: Sender<Question>,
    filters: Sender<Vec<(String, String)>>,
}

impl Feed {
    /// Starts both threads; they end with the program.
    pub(super) fn start(client: Client) -> Self {
        let client = Arc::new(client);
        let (told, news) = channel();
        let (questions, asked) = channel();
        let (filters, followed) = channel();
        {
            let (client, told) = (Arc::clone(&client), told.clone());
            thread::spawn(move || answer(&client, &asked, &told));
        }
        thread::spawn(move || follow(&client, &followed, &told));
        Self { news, questions, filters }
    }

    /// Asks for the table; one who asks again sooner than it is answered is answered once.
    pub(super) fn ask(&self, question: Question) {
        // A thread that is gone has panicked, which the screen shows as silence.
        let _ = self.questions.send(question);
    }

    /// Follows the calls that these filters let through from now on.
    pub(super) fn follow(&self, filters: Vec<(String, String)>) {
        let _ = self.filters.send(filters);
    }
}

/// Asks for the table.
pub(super) fn ask(client: &Client, question: &Question) -> Result<Answer, Failure> {
    let Question { number, by, window, order, filters } = question;
    let mut parameters = vec![
        ("window", (*window).to_owned()),
        ("group_by", (*by).to_owned()),
        ("order_by", order.clone()),
        ("limit", LIMIT.to_string()),
        ("metrics", "requests,failures,total_tokens,cost,latency_ms,ttft_ms".to_owned()),
    ];
    parameters.extend(filters.iter().map(|(name, value)| (name.as_str(), value.clone())));
    let answer = client.get("/v1/usage", &parameters, "application/json")?;
    let answer: Value = serde_json::from_slice(&answer)
        .map_err(|fault| Failure::unreachable(format!("the answer is not JSON: {fault}")))?;
    let row = |group: &Value| Row::read(group["group"][*by].as_str().map(str::to_owned), group);
    Ok(Answer {
        number: *number,
        rows: answer["data"].as_array().into_iter().flatten().map(row).collect(),
        total: Row::read(None, &answer["totals"]),
        groups: answer["groups"].as_u64().unwrap_or(0),
    })
}

fn answer(client: &Client, asked: &Receiver<Question>, told: &Sender<News>) {
    while let Ok(question) = asked.recv() {
        let question = asked.try_iter().last().unwrap_or(question);
        let news = ask(client, &question).map_or_else(|failure| News::Trouble(failure.to_string()), News::Answer);
        if told.send(news).is_err() {
            return;
        }
    }
}

fn follow(client: &Client, followed: &Receiver<Vec<(String, String)>>, told: &Sender<News>) {
    let mut filters = Vec::new();
    loop {
        filters = followed.try_iter().last().unwrap_or(filters);
        let trouble = match client.follow("/v1/stream", &filters) {
            Ok(stream) => match seconds(Events::new(stream), followed, told) {
                Lost::Turned(new) => {
                    filters = new;
                    continue;
                }
                Lost::Ended => "the stream is lost; trying again".to_owned(),
                Lost::Nobody => return,
            },
            Err(failure) => failure.to_string(),
        };
        if told.send(News::Trouble(trouble)).is_err() {
            return;
        }
        thread::sleep(AGAIN);
    }
}

/// Why a stream is no longer followed.
enum Lost {
    /// Other calls are to be followed.
    Turned(Vec<(String, String)>),
    /// It ended.
    Ended,
    /// Nobody listens any more.
    Nobody,
}

/// Tells seconds as they come. New filters are seen with the next of them.
fn seconds(
    events: Events<impl std::io::Read>,
    followed: &Receiver<Vec<(String, String)>>,
    told: &Sender<News>,
) -> Lost {
    for event in events.map_while(Result::ok).filter(|event| event.name == "usage") {
        if let Some(filters) = followed.try_iter().last() {
            return Lost::Turned(filters);
        }
        let Some(second) = Second::read(&event.data) else { continue };
        if told.send(News::Second(second)).is_err() {
            return Lost::Nobody;
        }
    }
    Lost::Ended
}
