internal import Decoding
internal import DequeModule
internal import Generation
internal import KVCaching

/// Whose prompts may find each other's beginnings: everything but the tokens that has to be the same.
struct PrefixScope: Hashable {
    /// The tenant's number: blocks of one API key are invisible to all others, also to their clocks.
    let tenant: Int
    /// What the request says besides, to keep apart who shares a key.
    let salt: String?
    let kind: PrefixKind
}

/// One block of the tree: its tokens behind those of its parents. Found by the hash of the tokens and then compared.
final class PrefixNode {
    /// The tokens of a block, as a key.
    struct Tokens: Hashable {
        let tokens: [TokenID]
        let hash: Int

        static func == (left: Tokens, right: Tokens) -> Bool { left.tokens == right.tokens }
        func hash(into hasher: inout Hasher) { hasher.combine(hash) }
    }

    let id: PrefixBlockID
    let byteCount: Int
    fileprivate let scope: PrefixScope
    fileprivate let tokens: Tokens
    /// nil: the first block of a prompt.
    fileprivate private(set) weak var parent: PrefixNode?
    fileprivate var children: [Tokens: PrefixNode] = [:]
    /// Running sequences that read it.
    fileprivate(set) var users = 0
    /// When it became idle; 0: it is not.
    fileprivate var idleSince: UInt64 = 0

    fileprivate init(
        _ id: PrefixBlockID, _ tokens: Tokens, parent: PrefixNode?, scope: PrefixScope, byteCount: Int
    ) {
        self.id = id
        self.tokens = tokens
        self.parent = parent
        self.scope = scope
        self.byteCount = byteCount
    }
}

/// All blocks that can be shared, as trees of token blocks: a block is found only behind its parents, so what a node
/// stands for is its whole beginning of a prompt. Knows nothing of engines and of the pool: whoever takes a block out
/// frees it.
///
/// Who uses a block uses its parents, so an idle block has idle children only, and they were idle before it. The one
/// that is idle for longest has none.
struct PrefixIndex {
    let blockTokens: Int
    private let hash: ([TokenID]) -> Int
    private var roots: [PrefixScope: [PrefixNode.Tokens: PrefixNode]] = [:]
    /// Blocks in the order in which they became idle; some are no longer, or again.
    private var idle: Deque<(node: PrefixNode, since: UInt64)> = []
    private var nextID: UInt64 = 0
    private var clock: UInt64 = 0
    private(set) var count = 0
    /// Changes whenever a block comes or goes.
    private(set) var changes: UInt64 = 0
    private var idleCount = 0
    /// Bytes of blocks that nobody uses, and of those that somebody uses.
    private(set) var idleBytes = 0
    private(set) var usedBytes = 0

    init(blockTokens: Int, hash: @escaping ([TokenID]) -> Int = { $0.hashValue }) {
        self.blockTokens = blockTokens
        self.hash = hash
    }

    /// Changes whenever a block comes.
    var version: UInt64 { nextID }

    /// The blocks with which the prompt begins, `most` of them at most, behind those in `found`.
    func blocks(of prompt: [TokenID], in scope: PrefixScope, most: Int, behind found: [PrefixNode] = []) -> [PrefixNode]
    {
        var nodes = found
        while nodes.count < most, let node = child(of: nodes.last, key(nodes.count, of: prompt), in: scope) {
            nodes.append(node)
        }
        return nodes
    }

    /// The block of the prompt with this number, behind `parent`.
    func block(_ number: Int, of prompt: [TokenID], in scope: PrefixScope, behind parent: PrefixNode?) -> PrefixNode? {
        child(of: parent, key(number, of: prompt), in: scope)
    }

    /// A new block, which the caller uses, as it does its parent.
    mutating func insert(
        _ number: Int, of prompt: [TokenID], in scope: PrefixScope, behind parent: PrefixNode?, byteCount: Int
    ) -> PrefixNode {
        let tokens = key(number, of: prompt)
        let node = PrefixNode(PrefixBlockID(nextID), tokens, parent: parent, scope: scope, byteCount: byteCount)
        nextID += 1
        changes += 1
        count += 1
        node.users = 1
        usedBytes += byteCount
        if let parent {
            precondition(parent.users > 0 && parent.children[tokens] == nil, "a block behind one that nobody uses")
            parent.children[tokens] = node
        } else {
            precondition(roots[scope]?[tokens] == nil, "a block twice")
            roots[scope, default: [:]][tokens] = node
        }
        return node
    }

    /// One more uses the block, whose parents it uses too. Returns the bytes that nobody used before.
    mutating func use(_ node: PrefixNode) -> Int {
        node.users += 1
        guard node.users == 1 else { return 0 }
        node.idleSince = 0
        idleCount -= 1
        idleBytes -= node.byteCount
        usedBytes += node.byteCount
        return node.byteCount
    }

    /// One less uses the blocks, which follow each other. Returns the bytes that nobody uses any more.
    mutating func leave(_ nodes: some BidirectionalCollection<PrefixNode>) -> Int {
        var bytes = 0
        for node in nodes.reversed() {
            precondition(node.users > 0, "\(node.id) has no users")
            node.users -= 1
            guard node.users == 0 else { continue }
            clock += 1
            node.idleSince = clock
            idle.append((node, clock))
            idleCount += 1
            bytes += node.byteCount
        }
        idleBytes += bytes
        usedBytes -= bytes
        if idle.count > 2 * idleCount + 64 { idle.removeAll { $0.node.idleSince != $0.since } }
        return bytes
    }

    /// Takes out the block that nobody has used for longest; nil where all are in use.
    mutating func removeOldest() -> PrefixNode? {
        while let (node, since) = idle.popFirst() {
            guard node.idleSince == since else { continue }
            precondition(node.children.isEmpty, "\(node.id) goes before its children")
            node.idleSince = 0
            idleCount -= 1
            changes += 1
            count -= 1
            idleBytes -= node.byteCount
            if let parent = node.parent {
                parent.children[node.tokens] = nil
            } else {
                roots[node.scope]?[node.tokens] = nil
                if roots[node.scope]?.isEmpty == true { roots[node.scope] = nil }
            }
            return node
        }
        return nil
    }

    private func key(_ number: Int, of prompt: [TokenID]) -> PrefixNode.Tokens {
        let tokens = Array(prompt[number * blockTokens..<(number + 1) * blockTokens])
        return PrefixNode.Tokens(tokens: tokens, hash: hash(tokens))
    }

    private func child(of parent: PrefixNode?, _ tokens: PrefixNode.Tokens, in scope: PrefixScope) -> PrefixNode? {
        guard let parent else { return roots[scope]?[tokens] }
        return parent.children[tokens]
    }
}
