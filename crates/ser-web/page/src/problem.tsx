import { reason } from "./words";

/** Shows why something failed, if it did. */
export function Problem({ error }: { error: unknown }) {
    return error === undefined ? null : (
        <p class="problem" role="alert">
            {reason(error)}
        </p>
    );
}
