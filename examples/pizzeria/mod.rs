//! The bot of the example `llm`: a pizzeria that takes orders on the phone.

pub(crate) mod stand_in;

use callbot::bot::Result;
use callbot::llm::{Assistant, Model, Tool, ToolContext};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const PROMPT: &str = "You answer the phone of the pizzeria Vesuvio and take orders for collection. The menu: \
     Margherita 8.50 euros, Marinara 7 euros, Diavola 10 euros. You sell nothing else. Call `order_pizza` \
     only for what the caller has clearly ordered. When the caller needs nothing else, say when the order is \
     ready, in 20 minutes, and hang up.";

/// What the bot remembers of a call.
pub(crate) type Order = Vec<Pizzas>;

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Pizzas {
    pub(crate) pizza: Pizza,
    /// How many of them, 1 to 20.
    #[schemars(range(min = 1, max = 20))]
    pub(crate) count: u32,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
pub(crate) enum Pizza {
    Margherita,
    Marinara,
    Diavola,
}

pub(crate) fn pizzeria(model: Model) -> Assistant<Order> {
    Assistant::with_memory(model)
        .system(PROMPT)
        .greeting("Pizzeria Vesuvio, good evening! What would you like?")
        .tool(Tool::new("order_pizza", "Adds pizzas to the caller's order.", order_pizza))
        .tool(Tool::hang_up())
}

/// Runs under a hold: a caller who barges in now still gets these pizzas, and gets them once.
async fn order_pizza(mut context: ToolContext<Order>, pizzas: Pizzas) -> Result<String> {
    // A real kitchen gets the order here, with `context.key()`: it knows by it an order that it already has.
    context.memory.push(pizzas);
    let euros: f64 = context.memory.iter().map(|pizzas| price(pizzas)).sum();
    Ok(format!("ordered; the whole order costs {euros:.2} euros"))
}

fn price(pizzas: &Pizzas) -> f64 {
    let each = match pizzas.pizza {
        Pizza::Margherita => 8.5,
        Pizza::Marinara => 7.0,
        Pizza::Diavola => 10.0,
    };
    each * f64::from(pizzas.count)
}
