// A client of veilseg in Go, from spec/veil-3.md alone: reduce, encrypt with subblock-sort, send, save the label map.
//
//	go run main.go photo.jpg http://127.0.0.1:8000 labels.png
package main

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	_ "image/jpeg"
	_ "image/png"
	"io"
	"log"
	"net/http"
	"os"
	"sort"
)

const cell, side = 12, 480 // pixels: of a cell, and of the longer side after reduction

// check ends the program where something failed.
func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// reduce gives the mean colours of squares, so that no side is longer than the working size.
func reduce(photo image.Image) (pixels [][][3]byte) {
	bounds := photo.Bounds()
	n := (max(bounds.Dx(), bounds.Dy()) + side - 1) / side
	for y := bounds.Min.Y; y+n <= bounds.Max.Y; y += n {
		row := [][3]byte{}
		for x := bounds.Min.X; x+n <= bounds.Max.X; x += n {
			var sums [3]uint32
			for i := 0; i < n*n; i++ {
				r, g, b, _ := photo.At(x+i%n, y+i/n).RGBA()
				sums = [3]uint32{sums[0] + r>>8, sums[1] + g>>8, sums[2] + b>>8}
			}
			m := uint32(n * n)
			row = append(row, [3]byte{byte(sums[0] / m), byte(sums[1] / m), byte(sums[2] / m)})
		}
		pixels = append(pixels, row)
	}
	return pixels
}

// mirror is the pixel of n that is seen at position i, beyond the edge too (section 3).
func mirror(i, n int) int {
	if n == 1 {
		return 0
	}
	if i %= 2*n - 2; i >= n {
		i = 2*n - 2 - i
	}
	return i
}

// encrypt sorts every channel of every cell, and then the channels (section 4.2); rows begin with PNG's filter 0.
func encrypt(pixels [][][3]byte) (rows [][]byte) {
	height, width := len(pixels), len(pixels[0])
	padded := (width + cell - 1) / cell * cell
	for top := 0; top < height; top += cell {
		for i := 0; i < cell; i++ {
			rows = append(rows, make([]byte, 1+3*padded))
		}
		for left := 0; left < width; left += cell {
			var channels [3][]byte
			for i := 0; i < cell*cell; i++ {
				pixel := pixels[mirror(top+i/cell, height)][mirror(left+i%cell, width)]
				for c := range channels {
					channels[c] = append(channels[c], pixel[c])
				}
			}
			var sums [3]int
			for c, values := range channels {
				sort.Slice(values, func(i, j int) bool { return values[i] < values[j] })
				for _, value := range values {
					sums[c] += int(value)
				}
			}
			order := []int{0, 1, 2}
			sort.Slice(order, func(i, j int) bool {
				a, b := order[i], order[j]
				return sums[a] < sums[b] || sums[a] == sums[b] && bytes.Compare(channels[a], channels[b]) < 0
			})
			for i := 0; i < cell*cell; i++ {
				for c, channel := range order {
					rows[top+i/cell][1+3*(left+i%cell)+c] = channels[channel][i]
				}
			}
		}
	}
	return rows
}

// container writes the file: a PNG with four chunks (section 8) and the header inside (section 7).
func container(rows [][]byte, height, width int) []byte {
	file := bytes.NewBufferString("\x89PNG\r\n\x1a\n")
	chunk := func(kind string, content []byte) {
		check(binary.Write(file, binary.BigEndian, uint32(len(content))))
		body := append([]byte(kind), content...)
		file.Write(body)
		check(binary.Write(file, binary.BigEndian, crc32.ChecksumIEEE(body)))
	}
	var size [8]byte
	binary.BigEndian.PutUint32(size[:4], uint32((len(rows[0])-1)/3))
	binary.BigEndian.PutUint32(size[4:], uint32(len(rows)))
	chunk("IHDR", append(size[:], 8, 2, 0, 0, 0))
	chunk("tEXt", []byte("veilseg\x00"+fmt.Sprintf(
		`{"version":3,"cipher":"subblock-sort","block":%d,"sub_block":%d,"height":%d,"width":%d}`, cell, cell, height, width)))
	var stream bytes.Buffer
	deflate := zlib.NewWriter(&stream)
	_, err := deflate.Write(bytes.Join(rows, nil))
	check(err)
	check(deflate.Close())
	chunk("IDAT", stream.Bytes())
	chunk("IEND", nil)
	return file.Bytes()
}

func max(a, b int) int {
	if a > b {
		return a
	}
	return b
}

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: main PHOTO URL LABELS.png")
	}
	photo, err := os.Open(os.Args[1])
	check(err)
	decoded, _, err := image.Decode(photo)
	check(err)
	pixels := reduce(decoded)
	body := container(encrypt(pixels), len(pixels), len(pixels[0]))
	response, err := http.Post(os.Args[2]+"/v1/segment", "image/png", bytes.NewReader(body))
	check(err)
	answer, err := io.ReadAll(response.Body)
	check(err)
	if response.StatusCode != http.StatusOK {
		log.Fatalf("%s: %s", response.Status, answer)
	}
	check(os.WriteFile(os.Args[3], answer, 0o644))
}
