import Generation
import Testing

@testable import Evaluation

@Suite struct PolicyVariantTests {
    @Test func settingsBecomeFieldsAndParameters() throws {
        let variant = try PolicyVariant(
            parsing: "keyformer:noise=none,recent=0.1,sinks=4,tau_end=1,tau_init=0.5,seed=3")
        #expect(variant.label == "keyformer:noise=none,recent=0.1,sinks=4,tau_end=1,tau_init=0.5,seed=3")
        #expect(variant.request.policy == "keyformer")
        #expect(variant.request.recentRatioMillionths == 100_000)
        #expect(variant.request.sinkTokens == 4)
        #expect(
            variant.request.policyParameters == [
                "noise": .text("none"), "tau_end": .integer(1), "tau_init": .number(0.5), "seed": .integer(3),
            ])
    }

    @Test func choicesPerLayerAndNeighbourhoodsAreParametersOfEveryScoringPolicy() throws {
        for name in ["h2o", "keyformer", "random"] {
            let variant = try PolicyVariant(parsing: "\(name):choose_per=layer,neighbourhood=3,reduce_heads=max")
            #expect(
                variant.request.policyParameters == [
                    "choose_per": .text("layer"), "neighbourhood": .integer(3), "reduce_heads": .text("max"),
                ])
        }
    }

    @Test(arguments: [
        ("full", "unknown"), ("", "unknown"), ("lru", "unknown"), ("h2o:recent", "key=value"),
        ("h2o:recent=2", "between 0 and 1"), ("h2o:sinks=-1", "whole number"),
        ("h2o:choose_per=head", "choose_per \"head\" is not allowed; allowed are group, layer"),
        ("h2o:storage=q2", "storage must be one of f16, f32, bf16, q8, q4"),
        ("keyformer:neighbourhood=65", "neighbourhood 65 is not a whole number between 0 and 64"),
        ("random:neighbourhood=few", "whole number"), ("window:choose_per=layer", "is no parameter of policy window"),
        ("window:recent=0.5", "recent_ratio"),
    ])
    func badVariantsSayWhatIsAllowed(text: String, words: String) {
        let error = #expect(throws: EvaluationError.self) { try PolicyVariant(parsing: text) }
        #expect(error?.description.contains(words) == true)
    }

    @Test func everyPolicyThatEvictsIsStandardAndTheBaselineIsAmongThem() {
        let labels = PolicyVariant.standard.map(\.label)
        #expect(labels.contains("keyformer") && labels.contains("random") && !labels.contains("full"))
        #expect(PolicyVariant.standard.contains(EvaluationSettings().baseline))
    }

    @Test func theBaselineIsAddedWhereItIsMissing() throws {
        var settings = EvaluationSettings()
        settings.variants = [try PolicyVariant(parsing: "h2o")]
        #expect(try settings.checked().variants.map(\.label) == ["h2o", "random"])
        settings.baseline = try PolicyVariant(parsing: "keyformer:noise=none")
        #expect(try settings.checked().variants.map(\.label) == ["h2o", "keyformer:noise=none"])
        settings.contextTokens = 3
        #expect(throws: EvaluationError.self) { try settings.checked() }
    }
}

@Suite struct BudgetShareTests {
    @Test(arguments: [("100", 1_000_000, "100"), ("12.5", 125_000, "12.5"), ("6.25", 62_500, "6.25")])
    func percentsAreExact(text: String, millionths: Int, shown: String) throws {
        let share = try BudgetShare(parsing: text)
        #expect(share.millionths == millionths)
        #expect(share.description == shown)
    }

    @Test(arguments: ["0", "-1", "101", "half", "", "nan"])
    func otherTextsAreRefused(text: String) {
        #expect(throws: EvaluationError.self) { try BudgetShare(parsing: text) }
    }
}

@Suite struct SuiteKindTests {
    @Test func namesAndTheirBeginningsAreTaken() throws {
        #expect(try SuiteKind.parse("recall") == SuiteKind.allCases.filter { $0.rawValue.hasPrefix("recall") })
        #expect(try SuiteKind.parse("gather-visible,prose") == [.prose, .gatherVisible])
        #expect(throws: EvaluationError.self) { try SuiteKind.parse("rec") }
    }
}
