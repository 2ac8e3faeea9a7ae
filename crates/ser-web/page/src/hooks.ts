import { useEffect, useState } from "preact/hooks";

/** The address of a file as long as it is shown. */
export function useAddress(file: Blob | undefined): string | undefined {
    const [address, setAddress] = useState<string>();
    useEffect(() => {
        const address = file && URL.createObjectURL(file);
        setAddress(address);
        return () => address && URL.revokeObjectURL(address);
    }, [file]);
    return address;
}

/** Something that takes a while: what came of it, how far it is, or why it failed. It begins anew when `causes` change. */
export interface Work<Result, Progress> {
    result?: Result;
    progress?: Progress;
    error?: unknown;
}

export function useWork<Result, Progress = never>(
    job: ((signal: AbortSignal, tell: (progress: Progress) => void) => Promise<Result>) | undefined,
    causes: unknown[],
): Work<Result, Progress> {
    const [work, setWork] = useState<Work<Result, Progress>>({});
    useEffect(() => {
        const abort = new AbortController();
        setWork({});
        const set = (work: Work<Result, Progress>) => abort.signal.aborted || setWork(work);
        job?.(abort.signal, (progress) => set({ progress })).then(
            (result) => set({ result }),
            (error: unknown) => set({ error }),
        );
        return () => abort.abort();
    }, causes);
    return work;
}
