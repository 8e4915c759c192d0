/** A platform with a standalone binary. */
export interface Target {
  readonly name: string
  readonly isWindows: boolean
}

/**
 * All platforms, by the names of their archives: `dray-NAME.tar.gz`, for Windows `dray-NAME.zip`.
 */
export const targets: readonly Target[] = [
  { name: 'linux-x64', isWindows: false },
  { name: 'linux-arm64', isWindows: false },
  { name: 'linux-x64-musl', isWindows: false },
  { name: 'linux-arm64-musl', isWindows: false },
  { name: 'darwin-x64', isWindows: false },
  { name: 'darwin-arm64', isWindows: false },
  { name: 'windows-x64', isWindows: true },
]

/** The file of a binary in `bin/` of the release folder. */
export function binaryName({ name, isWindows }: Target): string {
  return isWindows ? `dray-${name}.exe` : `dray-${name}`
}

export function archiveName({ name, isWindows }: Target): string {
  return isWindows ? `dray-${name}.zip` : `dray-${name}.tar.gz`
}
