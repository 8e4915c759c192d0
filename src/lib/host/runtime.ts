/** Whether this is a standalone binary, which runs on Bun instead of Node. */
export const runsOnBun: boolean = process.versions['bun'] !== undefined
