//! hello-rust: a Micro is any program that reads its environment and prints a CGI response (RFC 3875).
use std::env;

fn meta(name: &str) -> String {
    env::var(name).unwrap_or_default()
}

fn main() {
    print!("Content-Type: text/plain; charset=utf-8\r\n\r\n");
    println!("Hello from Rust!");
    println!("{} {} on {}", meta("REQUEST_METHOD"), meta("REQUEST_URI"), meta("HTTP_HOST"));
    eprintln!("said hello"); // standard error is the Micro's log
}
