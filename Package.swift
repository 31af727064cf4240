// swift-tools-version: 6.2
import PackageDescription

/// One set of settings for every Swift target: Swift 6 mode, strict memory safety, warnings are errors.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableExperimentalFeature("Lifetimes"),
]

/// C is optimised in debug builds too: the kernels run in every test.
let strictC: [CSetting] = [
    .unsafeFlags(["-std=gnu17", "-O3", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror"])
]

let package = Package(
    name: "keyhold",
    products: [.executable(name: "keyhold", targets: ["keyhold"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // Level 0: system libraries, C, plain values.
        .systemLibrary(name: "CJansson", pkgConfig: "jansson", providers: [.apt(["libjansson-dev"])]),
        .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CPCRE2", pkgConfig: "libpcre2-8", providers: [.apt(["libpcre2-dev"])]),
        .target(name: "CKernels", cSettings: strictC, linkerSettings: [.linkedLibrary("m")]),
        .target(name: "Generation", swiftSettings: strict),
        .target(name: "Tensors", swiftSettings: strict),
        .target(
            name: "Observability", dependencies: [.product(name: "Logging", package: "swift-log")],
            swiftSettings: strict),

        // Level 1.
        .target(
            name: "CFront",
            cSettings: strictC + [.define("H2O_USE_LIBUV", to: "1")],
            linkerSettings: [
                .linkedLibrary("h2o"), .linkedLibrary("uv"), .linkedLibrary("ssl"), .linkedLibrary("crypto"),
            ]),
        // libh2o for its picohttpparser.
        .target(name: "CBenchmarks", cSettings: strictC, linkerSettings: [.linkedLibrary("h2o")]),
        .target(name: "JSON", dependencies: ["CJansson"], swiftSettings: strict),
        .target(name: "Kernels", dependencies: ["CKernels", "Tensors"], swiftSettings: strict),
        .target(
            name: "Scheduling",
            dependencies: ["Generation", .product(name: "DequeModule", package: "swift-collections")],
            swiftSettings: strict),

        // Level 2.
        .target(name: "HTTPFront", dependencies: ["CFront"], swiftSettings: strict),
        .target(name: "Credentials", dependencies: ["CCrypto"], swiftSettings: strict),
        .target(
            name: "Templates",
            dependencies: ["JSON", .product(name: "OrderedCollections", package: "swift-collections")],
            swiftSettings: strict),
        .target(name: "ModelFiles", dependencies: ["Tensors", "JSON"], swiftSettings: strict),
        .target(name: "ModelHub", dependencies: ["CCrypto", "JSON"], swiftSettings: strict),
        .target(
            name: "Tokenization",
            dependencies: ["Generation", "JSON", "CPCRE2", .product(name: "HeapModule", package: "swift-collections")],
            swiftSettings: strict),
        .target(name: "KVCaching", dependencies: ["Generation", "Tensors", "Kernels"], swiftSettings: strict),
        .target(name: "Sampling", dependencies: ["Generation"], swiftSettings: strict),
        .target(name: "CompletionAPI", dependencies: ["Generation", "JSON"], swiftSettings: strict),

        // Level 3 to 6.
        .target(
            name: "Decoding",
            dependencies: ["Generation", "Tensors", "Kernels", "KVCaching", "ModelFiles"],
            swiftSettings: strict),
        .target(
            name: "SessionFiles", dependencies: ["CCrypto", "Generation", "Kernels", "KVCaching"],
            swiftSettings: strict),
        .target(name: "Quantization", dependencies: ["Tensors", "Kernels", "ModelFiles"], swiftSettings: strict),
        .target(
            name: "Serving",
            dependencies: [
                "Scheduling", "Decoding", "KVCaching", "Sampling", "SessionFiles", "Tokenization", "Generation",
                "Observability",
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .target(
            name: "Evaluation",
            dependencies: ["Decoding", "KVCaching", "Sampling", "Tokenization", "Generation", "JSON"],
            swiftSettings: strict),
        .target(
            name: "Benchmarking",
            dependencies: [
                "CBenchmarks", "Decoding", "KVCaching", "Kernels", "Tensors", "ModelFiles", "Sampling", "Scheduling",
                "Generation", "JSON",
            ],
            swiftSettings: strict),
        .target(
            name: "ServerApp",
            dependencies: [
                "Evaluation",
                "Serving", "HTTPFront", "CompletionAPI", "Credentials", "ModelFiles", "ModelHub", "Templates",
                "Tokenization",
                "Observability", "Generation", "Decoding", "KVCaching", "Kernels", "Tensors", "JSON", "Sampling",
                "Scheduling", "SessionFiles",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Yams", package: "Yams"),
            ],
            resources: [.copy("Resources/recall3M-Q8_0.gguf")],
            swiftSettings: strict),
        .executableTarget(
            name: "keyhold",
            dependencies: [
                "Benchmarking", "Quantization", "ServerApp",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),

        // Tests.
        .target(
            name: "TestSupport", dependencies: ["Generation", "Tensors"], path: "Tests/TestSupport",
            swiftSettings: strict),
    ]
)

/// One test target per module, each with the shared support. Fixtures are read from the source tree.
func tests(_ name: String, _ dependencies: [Target.Dependency], fixtures: Bool = false) -> Target {
    .testTarget(
        name: name, dependencies: dependencies + ["TestSupport"], exclude: fixtures ? ["Fixtures"] : [],
        swiftSettings: strict)
}

package.targets += [
    tests("GenerationTests", ["Generation"]),
    tests("TensorsTests", ["Tensors"]),
    tests("ObservabilityTests", ["Observability", .product(name: "Logging", package: "swift-log")]),
    tests("KernelsTests", ["CKernels", "Kernels", "Tensors"], fixtures: true),
    tests("JSONTests", ["JSON"]),
    tests("SchedulingTests", ["Scheduling", "Generation"]),
    tests("HTTPFrontTests", ["HTTPFront"]),
    tests("CredentialsTests", ["Credentials"]),
    tests("ModelFilesTests", ["ModelFiles", "Tensors", "JSON"]),
    tests("QuantizationTests", ["Quantization", "ModelFiles", "Kernels", "Tensors"], fixtures: true),
    tests("ModelHubTests", ["ModelHub", "HTTPFront", "JSON"]),
    tests("TokenizationTests", ["Tokenization", "Generation", "JSON", "ModelFiles"], fixtures: true),
    tests("TemplatesTests", ["Templates", "JSON"], fixtures: true),
    tests("KVCachingTests", ["KVCaching", "Generation", "Tensors", "Kernels"]),
    tests("SamplingTests", ["Sampling", "Generation"]),
    tests("CompletionAPITests", ["CompletionAPI", "Generation", "JSON"]),
    tests(
        "DecodingTests", ["Decoding", "KVCaching", "ModelFiles", "Generation", "Tensors", "Kernels", "JSON"],
        fixtures: true),
    tests("SessionFilesTests", ["SessionFiles", "Generation", "Kernels", "KVCaching"]),
    tests(
        "ServingTests",
        [
            "Serving", "SessionFiles", "Decoding", "KVCaching", "Scheduling", "Sampling", "Tokenization", "Generation",
            "Observability", "ModelFiles",
            .product(name: "Logging", package: "swift-log"),
        ]),
    tests(
        "EvaluationTests",
        ["Evaluation", "ServerApp", "Decoding", "KVCaching", "Tokenization", "Generation", "JSON"]),
    tests(
        "BenchmarkingTests",
        [
            "Benchmarking", "Decoding", "KVCaching", "Kernels", "Tensors", "Generation", "ModelFiles", "Scheduling",
            "HTTPFront", "JSON",
        ]),
    tests(
        "ServerAppTests",
        [
            "ServerApp", "Serving", "CompletionAPI", "Credentials", "Generation", "HTTPFront", "JSON", "KVCaching",
            "ModelFiles", "Observability", "Scheduling", "Templates", "Tokenization",
            .product(name: "Logging", package: "swift-log"),
        ]),
    tests("EndToEndTests", ["JSON", "Tensors"]),
    tests("TidyTests", ["ServerApp"]),
]
