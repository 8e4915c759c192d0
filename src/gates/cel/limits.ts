/** Limits of an expression, by the names that the library has for them. */
export const limits = {
  maxAstNodes: 2000,
  maxDepth: 50,
  maxListElements: 200,
  maxMapEntries: 200,
  maxCallArguments: 32,
}

export const limitMessage =
  `the expression has more than ${limits.maxAstNodes} parts, ${limits.maxDepth} levels, ` +
  `${limits.maxListElements} elements of a list or ${limits.maxCallArguments} arguments of a call`
