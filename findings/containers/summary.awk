# One row for all clips of a muxer with the same container and verdict, from the table of all clips.
function add(of, field, parts) {
  split(field, parts, " of ")
  revealed[of, key] += parts[1]
  all[of, key] += parts[2]
}
NR > 2 {
  muxer = $1
  sub(/[-.].*/, "", muxer)
  if ($1 ~ /pipe|live|stream/) muxer = muxer " (not seekable or live)"
  key = $2 " | " muxer " | " $3
  if (!(key in clips)) order[++rows] = key
  clips[key]++
  add("border", $5)
  add("header", $6)
  add("other", $7)
}
END {
  print "container | muxer | whole files are | clips | cuts at borders | in headers | elsewhere"
  print "--- | --- | --- | ---: | ---: | ---: | ---:"
  for (row = 1; row <= rows; row++) {
    key = order[row]
    line = key " | " clips[key]
    for (number = 1; number <= 3; number++) {
      of = substr("borderheaderother ", 6 * number - 5, 6)
      sub(/ /, "", of)
      line = line " | " (all[of, key] ? revealed[of, key] " of " all[of, key] : "-")
    }
    print line | "sort"
  }
}
