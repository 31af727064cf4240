internal import Generation

/// Steps that tenants share.
///
/// Whoever has had no more than its share is *ahead*: all its decode rows are in every step and its prompts are read as
/// if it were alone. Of the others, who are *behind*, a step takes few rows, and their sequences take turns: who has
/// waited longest decodes next, tenant by tenant. A step that reads a short prompt of somebody ahead leaves them out,
/// the next one does not. While nobody else is ahead, or the last one who was has been gone for a moment only, steps
/// stay as short.
extension Scheduler {
    /// Fills an empty `plan` with the next step if a sequence has to take turns; else returns nil.
    func dividedStep(_ plan: inout StepPlan, now: Duration) -> TurnSize.Step? {
        guard let division = accounts.division else { return nil }
        let isBehind = running.map { division.isBehind($0.admission) }
        let decoding = running.indices.filter { isBehind[$0] && running[$0].canDecode }
        let hasPrompt = running.indices.contains { isBehind[$0] && running[$0].canPrefill }
        guard hasPrompt || !decoding.isEmpty else { return nil }

        let prompts = promptsInTurn
        let ahead = running.indices.filter { !isBehind[$0] && running[$0].canDecode }
        let turn = max(turnSize.rows, mostRowsOfATenant(ahead))
        let aheadRowLayers = addPieces(
            of: prompts.filter { !isBehind[$0] }, to: &plan, rowLayers: prefillBudget(decodeRows: ahead.count + turn))
        let promptRows = (aheadRowLayers + limits.layerCount - 1) / limits.layerCount
        let rows = turnRows(turn, besidePromptRows: promptRows)
        let decodeRows = hasPrompt ? min(decoding.count, rows / 2) : min(decoding.count, rows)

        for index in ahead + inTurn(decoding).prefix(decodeRows) { plan.decode.append(running[index].id) }
        let left = prefillBudget(decodeRows: plan.decode.count) - aheadRowLayers
        let rowLayers = addPieces(
            of: prompts.filter { isBehind[$0] }, to: &plan,
            rowLayers: min(left, (rows - decodeRows) * limits.layerCount))
        return TurnSize.Step(
            begin: now, promptRows: promptRows,
            turnRows: decodeRows + (rowLayers + limits.layerCount - 1) / limits.layerCount,
            decodeShare: Double(max(1, plan.decode.count)) / Double(max(1, ahead.count + decoding.count)))
    }

    /// Rows of those behind. Beside a short prompt none, unless there were none in the last step either.
    private func turnRows(_ turn: Int, besidePromptRows promptRows: Int) -> Int {
        guard promptRows > 0 else { return turn }
        let few = min(turn, promptRows / 8)
        return few >= TurnSize.least ? few : turnSize.hasSatOut ? turn : 0
    }

    /// Nobody behind gets less of a step than somebody ahead.
    private func mostRowsOfATenant(_ indices: [Int]) -> Int {
        var rows: [Int: Int] = [:]
        for index in indices { rows[running[index].admission.tenant.id, default: 0] += 1 }
        return rows.values.max() ?? 0
    }

    /// Who has waited longest first, the tenants by turns.
    private func inTurn(_ indices: [Int]) -> [Int] {
        var ranks: [Int: Int] = [:]
        let oldest = indices.sorted { running[$0].lastTurn < running[$1].lastTurn }
        let turns = oldest.map { index -> (rank: Int, lastTurn: Int, index: Int) in
            let rank = ranks[running[index].admission.tenant.id, default: 0]
            ranks[running[index].admission.tenant.id] = rank + 1
            return (rank, running[index].lastTurn, index)
        }
        return turns.sorted { $0 < $1 }.map(\.index)
    }
}
