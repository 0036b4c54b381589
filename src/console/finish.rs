//! Every request is carried to its end, even if who asked has gone away.
//!
//! A browser that is closed drops the request's future wherever it stands. In the middle of a transaction that would leave the
//! connection to be rolled back by whoever gets it next, and one that is dropped while it begins would go back to the pool with the
//! transaction open.

use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

pub(super) async fn to_the_end(request: Request, next: Next) -> Response {
    match tokio::spawn(next.run(request)).await {
        Ok(response) => response,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The process is ending.
            Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::Router;
    use axum::middleware::from_fn;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::Notify;

    use super::to_the_end;

    #[tokio::test]
    async fn a_request_whose_browser_has_gone_is_carried_to_its_end() {
        let (begun, go_on, done) =
            (Arc::new(Notify::new()), Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (told, waits, tells) = (begun.clone(), go_on.clone(), done.clone());
        let slow = move || async move {
            told.notify_one();
            waits.notified().await;
            tells.notify_one();
            "done"
        };
        let gone = Arc::new(Notify::new());
        let watched = gone.clone();
        // Outside of the layer: dropped together with the request, which is how the test knows that the server has noticed.
        let outermost = move |request: axum::extract::Request, next: axum::middleware::Next| {
            let dropped = Dropped(watched.clone());
            async move {
                let response = next.run(request).await;
                drop(dropped);
                response
            }
        };
        let app = Router::new().route("/", get(slow)).layer(from_fn(to_the_end)).layer(from_fn(outermost));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });

        let mut browser = TcpStream::connect(address).await.unwrap();
        browser.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        begun.notified().await;
        drop(browser);
        gone.notified().await;
        go_on.notify_one();
        done.notified().await;

        // And an answer comes back as ever.
        go_on.notify_one();
        let mut browser = TcpStream::connect(address).await.unwrap();
        browser.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        browser.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("done"), "{answer}");
    }

    struct Dropped(Arc<Notify>);

    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
}
