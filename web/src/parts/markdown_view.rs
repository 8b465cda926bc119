//! Markdown on the screen: the tree of [`super::markdown`] as elements. No HTML is ever parsed.

use leptos::prelude::*;

use super::copy::CopyButton;
use super::markdown::{Block, Column, Inline, parse};

/// A text, read and drawn.
pub(crate) fn markdown(text: &str) -> AnyView {
    blocks(parse(text))
}

fn blocks(blocks: Vec<Block>) -> AnyView {
    blocks.into_iter().map(block).collect_view().into_any()
}

fn block(block: Block) -> AnyView {
    match block {
        Block::Paragraph(content) => view! { <p>{inlines(content)}</p> }.into_any(),
        // The page has its own headings above these.
        Block::Heading(level, content) => {
            let content = inlines(content);
            match level {
                1 => view! { <h3>{content}</h3> }.into_any(),
                2 => view! { <h4>{content}</h4> }.into_any(),
                3 => view! { <h5>{content}</h5> }.into_any(),
                _ => view! { <h6>{content}</h6> }.into_any(),
            }
        }
        Block::Code { language, text } => code_block(language, text),
        Block::List(first, items) => {
            let items = items.into_iter().map(|item| view! { <li>{item_blocks(item)}</li> }).collect_view();
            match first {
                Some(first) => view! { <ol start=first.to_string()>{items}</ol> }.into_any(),
                None => view! { <ul>{items}</ul> }.into_any(),
            }
        }
        Block::Quote(content) => view! { <blockquote>{blocks(content)}</blockquote> }.into_any(),
        Block::Table { columns, head, rows } => table(&columns, head, rows),
        Block::Rule => view! { <hr/> }.into_any(),
    }
}

/// An item with a single paragraph is shown without the paragraph's space around it.
fn item_blocks(mut item: Vec<Block>) -> AnyView {
    match item.first_mut() {
        Some(Block::Paragraph(content)) => {
            let first = inlines(std::mem::take(content));
            let rest = item.into_iter().skip(1).map(block).collect_view();
            view! { {first} {rest} }.into_any()
        }
        _ => blocks(item),
    }
}

fn code_block(language: String, text: String) -> AnyView {
    let copied = text.clone();
    let label = if language.is_empty() { "Code".to_owned() } else { format!("Code in {language}") };
    view! {
        <figure class="code-block">
            <figcaption><span>{language}</span><CopyButton text=Signal::stored(copied) what="code"/></figcaption>
            <pre tabindex="0" role="region" aria-label=label><code>{text}</code></pre>
        </figure>
    }
    .into_any()
}

fn table(columns: &[Column], head: Vec<Vec<Inline>>, rows: Vec<Vec<Vec<Inline>>>) -> AnyView {
    let class = |index: usize| match columns.get(index) {
        Some(Column::Center) => "center",
        Some(Column::End) => "end",
        _ => "",
    };
    let head = head
        .into_iter()
        .enumerate()
        .map(|(index, cell)| view! { <th scope="col" class=class(index)>{inlines(cell)}</th> })
        .collect_view();
    let rows = rows
        .into_iter()
        .map(|cells| {
            let cells = cells
                .into_iter()
                .enumerate()
                .map(|(index, cell)| view! { <td class=class(index)>{inlines(cell)}</td> })
                .collect_view();
            view! { <tr>{cells}</tr> }
        })
        .collect_view();
    view! {
        <div class="prose-table" tabindex="0" role="region" aria-label="Table">
            <table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>
        </div>
    }
    .into_any()
}

fn inlines(content: Vec<Inline>) -> AnyView {
    content.into_iter().map(inline).collect_view().into_any()
}

fn inline(content: Inline) -> AnyView {
    match content {
        Inline::Text(text) => text.into_any(),
        Inline::Code(code) => view! { <code>{code}</code> }.into_any(),
        Inline::Emphasis(content) => view! { <em>{inlines(content)}</em> }.into_any(),
        Inline::Strong(content) => view! { <strong>{inlines(content)}</strong> }.into_any(),
        Inline::Struck(content) => view! { <s>{inlines(content)}</s> }.into_any(),
        // `rel` on a plain anchor: the router leaves links to other origins alone.
        Inline::Link(address, content) => view! {
            <a href=address target="_blank" rel="noopener noreferrer">{inlines(content)}</a>
        }
        .into_any(),
        Inline::Break => view! { <br/> }.into_any(),
    }
}
