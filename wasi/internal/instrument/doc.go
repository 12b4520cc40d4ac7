// Package instrument rewrites a module so that its host can stop it, meter it, snapshot it and reset it. It is pure:
// bytes go in, bytes and their description come out, and the same bytes give the same result.
//
// What runs is charged in fuel, a static weight for each instruction (weights.go). Branches back are charged, in a local of
// their function, which goes to the meter, a global, at a bound and where the function ends; a function that calls
// others, or is long, is charged at its entry (plan.go says why that is enough). When the fuel is used up, the host's
// function [Yield] is called, which looks after deadlines and refuels. The meter also counts the native stack, see [Meter].
//
// What else is done to a module is in the fields of [Prepared], which say what the host has to do in turn.
package instrument
