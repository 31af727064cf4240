internal import Generation
internal import KVCaching
internal import Scheduling

/// The blocks that can be shared and who uses them. Lives on the engine thread.
struct PrefixSharing {
    let limits: PrefixLimits
    var index: PrefixIndex
    /// By running sequence.
    var uses: [SequenceID: PrefixUse] = [:]
    /// Those whose prompt is not read yet.
    var reading: [SequenceID] = []
    /// What waiting sequences would find.
    var found: [SequenceID: PrefixUse] = [:]
    /// The same as it was looked up when the index had changed so often.
    var lookups: [SequenceID: (changes: UInt64, use: PrefixUse?)] = [:]

    /// The blocks with which the prompt begins; nil where there is nothing to share.
    mutating func lookUp(_ planned: PlannedSequence, _ tenant: Tenant, kind: () -> PrefixKind) -> PrefixUse? {
        if let known = lookups[planned.id], known.changes == index.changes { return known.use }
        var use = PrefixUse(planned, tenant: tenant, kind: kind(), blockTokens: limits.blockTokens)
        if let wish = use { use?.nodes = index.blocks(of: wish.prompt, in: wish.scope, most: wish.mostFound) }
        // Waiting sequences are few; those that have gone are forgotten from time to time.
        if lookups.count > 256 { lookups.removeAll() }
        lookups[planned.id] = (index.changes, use)
        return use
    }

    init(limits: PrefixLimits) {
        self.limits = limits
        index = PrefixIndex(blockTokens: limits.blockTokens)
    }

    /// What the running sequences found, and whether all of it adds up: for audits.
    func brokenInvariant() -> String? {
        var users: [ObjectIdentifier: Int] = [:]
        var bytes = 0
        for use in uses.values {
            for node in use.nodes {
                if users.updateValue((users[ObjectIdentifier(node)] ?? 0) + 1, forKey: ObjectIdentifier(node)) == nil {
                    bytes += node.byteCount
                }
            }
        }
        for use in uses.values {
            if let node = use.nodes.first(where: { $0.users != users[ObjectIdentifier($0)] }) {
                return "\(node.id) counts \(node.users) users"
            }
        }
        return bytes == index.usedBytes ? nil : "blocks in use have \(bytes) bytes, not \(index.usedBytes)"
    }
}
