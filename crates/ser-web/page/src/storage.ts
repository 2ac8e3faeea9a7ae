// What the browser keeps for this page between visits. It keeps nothing if the user blocks the data of sites.

export function storedKeys(): string[] {
    try {
        return Object.keys(localStorage);
    } catch {
        return [];
    }
}

export function stored(key: string): string | undefined {
    try {
        return localStorage.getItem(key) ?? undefined;
    } catch {
        return undefined;
    }
}

export function store(key: string, value: string) {
    try {
        localStorage.setItem(key, value);
    } catch (cause) {
        const reason = "the browser does not keep the speaker, because it blocks the data of this page or has no space for more";
        throw new Error(`${reason}; change that in its settings, and enroll the speaker again`, { cause });
    }
}
