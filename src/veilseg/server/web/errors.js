/** An error that a person can act on: its message is shown as it is. */
export class VeilsegError extends Error {}
