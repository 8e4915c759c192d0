/** The completion script for zsh. It can be evaluated, or be the file `_dray` in `fpath`. */
export const zshScript = String.raw`#compdef dray
# Completion of dray for zsh.
_dray() {
  local word=${'$'}{(Q)PREFIX} line instruction= longest=0 i
  local -a values about blank
  while IFS= read -r line; do
    if [[ $line == :* ]]; then
      instruction=$line
    else
      values+=("${'$'}{line%%$'\t'*}")
      about+=("${'$'}{${'$'}{line#$values[-1]}#$'\t'}")
      (($#values[-1] > longest)) && longest=$#values[-1]
    fi
  done < <(dray __complete --word="$word" -- "${'$'}{(@Q)words[2,CURRENT-1]}" 2>/dev/null </dev/null)
  case $instruction in
    :files | :folders)
      if [[ $PREFIX == *=* ]]; then
        compset -P '*='
      elif [[ $PREFIX == oci:* ]]; then
        compset -P 'oci:'
      fi
      if [[ $instruction == :files ]]; then _files; else _files -/; fi
      return
      ;;
    :continue) blank=(-S '') ;;
  esac
  local -a shown
  for ((i = 1; i <= $#values; i++)); do
    line="${'$'}{(r:longest:)values[i]}${'$'}{about[i]:+  $about[i]}"
    shown+=("${'$'}{line[1,COLUMNS-1]}")
  done
  (($#values)) && compadd -l -V dray "${'$'}{(@)blank}" -d shown -a values
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _dray "$@"
else
  compdef _dray dray
fi
`
