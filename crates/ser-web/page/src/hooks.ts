import { useEffect, useRef, useState } from "preact/hooks";

/** Returns a URL for a file, which is valid as long as the component shows it. */
export function useAddress(file: Blob | undefined): string | undefined {
    const [address, setAddress] = useState<string>();
    useEffect(() => {
        const address = file && URL.createObjectURL(file);
        setAddress(address);
        return () => address && URL.revokeObjectURL(address);
    }, [file]);
    return address;
}

/** The state of a job that takes a while: its result, its progress or its error. The job starts again when `causes` change. */
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

/** A job that the user starts and stops. */
export interface Session {
    isOn: boolean;
    /** Why the job failed. */
    error: unknown;
    start(): void;
    stop(): void;
}

/** The job ends when its controller is aborted: by the user, by itself, or because the component is no longer shown. */
export function useSession(job: (session: AbortController) => Promise<void>): Session {
    const [isOn, setIsOn] = useState(false);
    const [error, setError] = useState<unknown>();
    const current = useRef<AbortController | undefined>(undefined);
    const stop = () => current.current?.abort();
    useEffect(() => stop, []);
    const start = async () => {
        const session = new AbortController();
        current.current = session;
        setIsOn(true);
        setError(undefined);
        try {
            await job(session);
        } catch (error) {
            if (error !== session.signal.reason) {
                setError(error);
            }
        } finally {
            // A job that has failed must not leave anything open, such as the microphone.
            session.abort();
        }
        setIsOn(false);
    };
    return { isOn, error, start: () => void start(), stop };
}
