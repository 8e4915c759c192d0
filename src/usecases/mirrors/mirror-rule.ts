/** A registry as container runtimes name it, and whether they reach it over plain HTTP. */
export interface MirrorHost {
  readonly registry: string
  readonly isPlain: boolean
}

/** A sync rule as a runtime sees it: the places with the content of the source. */
export interface MirrorRule {
  readonly name: string
  readonly source: MirrorHost
  readonly parts: readonly MirrorPart[]
  /** the rule copies only some tags of its repositories */
  readonly filtersTags: boolean
}

/** A namespace or repository of the source, and the same one in each mirror. */
export interface MirrorPart {
  /** at the source, without slashes at its ends; empty: the whole registry */
  readonly path: string
  /** the rule copies every repository of the namespace */
  readonly isWhole: boolean
  /** in the order of `to`, at least one */
  readonly mirrors: readonly MirrorPlace[]
}

export interface MirrorPlace extends MirrorHost {
  /** without slashes at its ends; can be empty */
  readonly path: string
}

export interface MirrorOptions {
  /** never ask the source */
  readonly noFallback: boolean
  /** use the mirrors only for references by digest */
  readonly digestOnly: boolean
}

export interface MirrorFile {
  /** relative to the folder of the files, with `/` */
  readonly path: string
  readonly content: string
}
