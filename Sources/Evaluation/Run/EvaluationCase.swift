/// A policy variant with a budget: one column of one row of the tables.
struct EvaluationCase: Sendable, Equatable {
    let variant: PolicyVariant
    let budget: BudgetShare
}
