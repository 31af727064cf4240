internal import CKernels

/// Memory that the allocator keeps for later.
public enum FreeMemory {
    /// Gives it back to the system. Loading a model leaves some megabytes of it behind, by chance more or less.
    public static func release() { ck_release_free_memory() }
}
