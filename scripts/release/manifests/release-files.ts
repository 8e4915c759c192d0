/** The facts of a release that the manifests of package managers repeat. */
export interface ReleaseFacts {
  readonly version: string
  /** `2026-11-28` */
  readonly day: string
  readonly description: string
  /** the SHA-256 of each file by its name, from `checksums.txt` */
  readonly checksums: ReadonlyMap<string, string>
  readonly project: {
    readonly repository: string
    readonly releases: string
    readonly docs: string
    readonly bugs: string
  }
}

export interface ReleaseFile {
  readonly url: string
  /** lower-case hexadecimal digits */
  readonly sha256: string
}

/** The address and hash of a file. @throws Error if `checksums.txt` does not have it. */
export function fileOf(name: string, { version, checksums, project }: ReleaseFacts): ReleaseFile {
  const sha256 = checksums.get(name)
  if (sha256 === undefined) throw new Error(`checksums.txt has no ${name}`)
  return { url: `${project.releases}/download/v${version}/${name}`, sha256 }
}
