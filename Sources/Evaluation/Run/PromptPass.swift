internal import KVCaching

/// One run of a prompt for all plans that can share it.
struct PromptPass: Equatable {
    /// Index of the input.
    let input: Int
    /// Indexes of its plans, rising; the first one leads.
    private(set) var plans: [Int]
    /// Bytes of all caches and of what the prompt needs beside them, at most.
    private(set) var bytes: Int

    /// What runs at the same time.
    struct Limits {
        var bytes = 512 << 20
        var prompts = 8
        var sequences = 512
    }

    /// As few passes for each input as its plans and the limits allow; whoever comes first in `plans` comes first here.
    static func passes(_ inputs: [PolicyRunner.Input], limits: Limits) -> [PromptPass] {
        inputs.indices.flatMap { index in
            var passes: [PromptPass] = []
            for (number, plan) in inputs[index].plans.enumerated() {
                let needed = plan.steadyBytes + plan.stagingBytes
                let open = passes.firstIndex { pass in
                    pass.plans.count < limits.sequences && pass.bytes + needed <= limits.bytes
                        && pass.plans.first.map { inputs[index].plans[$0].sharesPrompt(with: plan) } == true
                }
                if let open {
                    passes[open].plans.append(number)
                    passes[open].bytes += needed
                } else {
                    passes.append(
                        PromptPass(input: index, plans: [number], bytes: needed + plan.residualBytes))
                }
            }
            return passes
        }
    }

    /// Passes that run side by side, in order; one that exceeds the limits alone runs alone.
    static func lots(_ passes: [PromptPass], limits: Limits) -> [[PromptPass]] {
        var lots: [[PromptPass]] = []
        var (bytes, sequences) = (0, 0)
        for pass in passes {
            let fits =
                bytes + pass.bytes <= limits.bytes && sequences + pass.plans.count <= limits.sequences
                && lots.last.map { $0.count < limits.prompts } == true
            if fits {
                lots[lots.count - 1].append(pass)
            } else {
                lots.append([pass])
                (bytes, sequences) = (0, 0)
            }
            bytes += pass.bytes
            sequences += pass.plans.count
        }
        return lots
    }
}
