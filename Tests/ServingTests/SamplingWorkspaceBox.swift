import Generation
import Sampling

/// Log probabilities for tests.
struct SamplingWorkspaceBox {
    private let workspace = SamplingWorkspace()

    func report(_ logits: [Float], chosen: TokenID, top: Int) -> TokenLogprobs {
        Logprobs.report(logits: logits.span, chosen: chosen, top: top, workspace: workspace)
    }
}
