mod alarms;
mod bets;
mod inputs;
mod restart;
