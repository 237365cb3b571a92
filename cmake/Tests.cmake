# Tests: what stands in tests/ is registered with ctest by its name.
#
#   tests/test_*.c    a Criterion program each
#   tests/plain_*.c   a program with a main of its own each; exit status 0 is a pass
#   tests/leaky.c     what leaky_* have in place of libcrypto's: twins of plain programs that must see it
#   tests/*_shared.c  the same, linked with the shared libraries instead of the static ones
#   tests/*.c         everything else: one helper library, testlib, that all of them link
#   examples/*.c      run without arguments; exit status 0 is a pass
#   tests/package/    the installed copy; not in instrumented builds
#   tests/bogo/*.c   bogo_shim, the program that BoringSSL's conformance runner runs (`./dev bogo`)
#   tests/coverage/*.c   what counts rows and codes, in the coverage build
#   tests/peers/*.c   boringssl_peer, a program that tests talk to, on the system's BoringSSL alone
#
# What has many cases in one program leaves them as TAP in results/ of the build directory, where `./dev test` counts
# them.
#
# Criterion drags OpenSSL's libcrypto into the process (by way of libgit2).  BoringSSL's stands before it on the link
# line, so every name binds to BoringSSL's; `./dev check` looks.

find_path(CRITERION_INCLUDE_DIR criterion/criterion.h)
find_library(CRITERION_LIBRARY criterion)
if(NOT CRITERION_INCLUDE_DIR OR NOT CRITERION_LIBRARY)
  message(FATAL_ERROR "Criterion was not found: install libcriterion-dev or configure with -DHF_TESTS=OFF.")
endif()

# The peer is Debian's BoringSSL, libssl and libcrypto, whatever libcrypto the product has: it shares nothing with the
# product but the source tree.
file(GLOB PEER_SOURCES CONFIGURE_DEPENDS tests/peers/*.c)
find_path(PEER_INCLUDE_DIR openssl/ssl.h PATHS /usr/include/android NO_DEFAULT_PATH)
foreach(name IN ITEMS ssl crypto)
  string(TOUPPER PEER_${name}_LIBRARY variable)
  find_library(${variable} ${name} NO_DEFAULT_PATH
    PATHS /usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}/android /usr/lib/android)
  if(NOT ${variable} OR NOT PEER_INCLUDE_DIR)
    message(FATAL_ERROR "BoringSSL's lib${name} was not found below /usr/lib, or its headers in /usr/include/android: "
      "install android-libboringssl-dev, which the tests talk to, or configure with -DHF_TESTS=OFF.")
  endif()
endforeach()
find_package(ZLIB)
if(NOT ZLIB_FOUND)
  message(FATAL_ERROR "zlib was not found: install zlib1g-dev or configure with -DHF_TESTS=OFF.")
endif()
if(NOT BROTLI_INCLUDE_DIR OR NOT BROTLI_ENCODER_LIBRARY OR NOT BROTLI_DECODER_LIBRARY)
  message(FATAL_ERROR "brotli was not found: install libbrotli-dev or configure with -DHF_TESTS=OFF.")
endif()
add_executable(boringssl_peer ${PEER_SOURCES})
set_target_properties(boringssl_peer PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/peers)
target_compile_options(boringssl_peer PRIVATE ${HF_WARNINGS})
target_include_directories(boringssl_peer SYSTEM PRIVATE ${PEER_INCLUDE_DIR} ${BROTLI_INCLUDE_DIR})
target_link_libraries(boringssl_peer PRIVATE ${PEER_SSL_LIBRARY} ${PEER_CRYPTO_LIBRARY} ZLIB::ZLIB
  ${BROTLI_ENCODER_LIBRARY} ${BROTLI_DECODER_LIBRARY})

# What BoringSSL's runner runs in place of BoringSSL: <openssl/ssl.h> and the pair, and nothing behind them.
file(GLOB SHIM_SOURCES CONFIGURE_DEPENDS tests/bogo/*.c)
if(TARGET handfast_ssl_static)
  hf_program(bogo_shim tests/bogo ${SHIM_SOURCES})
endif()

file(GLOB TEST_SOURCES CONFIGURE_DEPENDS tests/test_*.c)
file(GLOB PLAIN_SOURCES CONFIGURE_DEPENDS tests/plain_*.c)
file(GLOB TESTLIB_SOURCES CONFIGURE_DEPENDS tests/*.c)
if(TESTLIB_SOURCES)
  list(REMOVE_ITEM TESTLIB_SOURCES ${TEST_SOURCES} ${PLAIN_SOURCES})
endif()

set(HF_TEST_FILTER "" CACHE STRING "Build and run only the tests whose names begin like this (a regular expression)")
list(FILTER TEST_SOURCES INCLUDE REGEX "/(${HF_TEST_FILTER})[^/]*$")
list(FILTER PLAIN_SOURCES INCLUDE REGEX "/(${HF_TEST_FILTER})[^/]*$")

# Criterion maps its arena where ThreadSanitizer keeps its shadow: that build has the plain programs only.
if(CMAKE_C_FLAGS MATCHES "fsanitize=thread")
  set(TEST_SOURCES "")
endif()

# Sanitizers have an allocator and stacks of their own.
if(CMAKE_C_FLAGS MATCHES "fsanitize")
  list(FILTER PLAIN_SOURCES EXCLUDE REGEX "plain_ordeal_ssl_secrets\\.c$")
endif()

# Valgrind runs programs that are not instrumented already.
if(CMAKE_C_FLAGS MATCHES "fsanitize|coverage")
  list(FILTER PLAIN_SOURCES EXCLUDE REGEX "plain_ordeal_undefined\\.c$")
else()
  find_path(VALGRIND_INCLUDE_DIR valgrind/memcheck.h)
  find_program(VALGRIND_PROGRAM valgrind)
  if(NOT VALGRIND_INCLUDE_DIR OR NOT VALGRIND_PROGRAM)
    message(FATAL_ERROR "Valgrind was not found: install valgrind or configure with -DHF_TESTS=OFF.")
  endif()
endif()

# ld warns of every test that two libcryptos "may conflict", which is known and looked at.
include(CheckLinkerFlag)
check_linker_flag(C LINKER:--no-warnings HF_HAVE_NO_WARNINGS)

# Tests that need a certain libcrypto, each with the reason; ctest shows them as skipped with any other.
if(NOT BoringSSL_API_VERSION EQUAL 17)
  set(reason "libcrypto of API ${BoringSSL_API_VERSION} crashes by itself when memory runs out while it keeps an X509_NAME's \
encoding; this is for API 17")
  set(HF_SKIP_plain_ssl_memory "${reason}")
  set(HF_SKIP_plain_ssl_config_memory "${reason}")
  set(HF_SKIP_plain_quic_memory "${reason}")
endif()

set(HF_RESULTS ${PROJECT_BINARY_DIR}/results)
file(MAKE_DIRECTORY ${HF_RESULTS})
set(HF_TEST_TIMEOUT 600 CACHE STRING "Seconds a test program may take")

function(hf_test_flags target)
  target_compile_options(${target} PRIVATE ${HF_WARNINGS} -UNDEBUG)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
endfunction()

if(TESTLIB_SOURCES)
  add_library(testlib STATIC ${TESTLIB_SOURCES})
  hf_test_flags(testlib)
  target_include_directories(testlib PRIVATE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include
    ${CRITERION_INCLUDE_DIR})
  target_compile_definitions(testlib PRIVATE
    HF_SOURCE_DIR="${PROJECT_SOURCE_DIR}" HF_BINARY_DIR="${PROJECT_BINARY_DIR}")
  foreach(library IN ITEMS handfast_ssl_static handfast_static)
    if(TARGET ${library})
      target_link_libraries(testlib PUBLIC ${library})
    endif()
  endforeach()
  target_link_libraries(testlib PUBLIC BoringSSL::Crypto)
  add_dependencies(testlib boringssl_peer)
endif()

# In the coverage build what the engine's handlers do is counted on the way to them.
set(wraps "")
if(CMAKE_C_FLAGS MATCHES "--coverage" AND TARGET handfast_static)
  add_library(reached OBJECT tests/coverage/reached.c)
  hf_test_flags(reached)
  target_include_directories(reached PRIVATE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include)
  target_link_libraries(reached PRIVATE BoringSSL::Crypto)
  file(STRINGS tests/coverage/reached.c lines REGEX "^WRAP_[A-Z]+\\(")
  foreach(line IN LISTS lines)
    string(REGEX REPLACE "^WRAP_([A-Z]+)\\(([A-Za-z_]+).*" "\\1;\\2" pair "${line}")
    list(GET pair 0 kind)
    list(GET pair 1 name)
    if(kind STREQUAL "MESSAGE")
      list(APPEND wraps LINKER:--wrap=hf_send_${name} LINKER:--wrap=hf_receive_${name})
    elseif(kind STREQUAL "FUNCTION" OR kind STREQUAL "END")
      list(APPEND wraps LINKER:--wrap=${name})
    else()
      string(TOLOWER ${kind} kind)
      list(APPEND wraps LINKER:--wrap=hf_${kind}_${name})
    endif()
  endforeach()
endif()

if(NOT HF_SHARED)
  list(FILTER TEST_SOURCES EXCLUDE REGEX "_shared\\.c$")
  list(FILTER PLAIN_SOURCES EXCLUDE REGEX "_shared\\.c$")
endif()

foreach(source IN LISTS TEST_SOURCES PLAIN_SOURCES)
  get_filename_component(name ${source} NAME_WE)
  add_executable(${name} ${source})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  hf_test_flags(${name})
  target_compile_options(${name} PRIVATE -O0) # the libraries are optimised; optimising the tests only takes time
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include)
  target_compile_definitions(${name} PRIVATE
    HF_SOURCE_DIR="${PROJECT_SOURCE_DIR}" HF_BINARY_DIR="${PROJECT_BINARY_DIR}")
  set(libraries testlib handfast_ssl_static handfast_static)
  if(name MATCHES "_shared$")
    set(libraries handfast_ssl)
  endif()
  foreach(library IN LISTS libraries)
    if(TARGET ${library})
      target_link_libraries(${name} PRIVATE ${library})
    endif()
  endforeach()
  target_link_libraries(${name} PRIVATE BoringSSL::Crypto)
  # One function cannot be wrapped twice, and the ordeal of secrets wraps its own.
  if(TARGET reached AND NOT name STREQUAL "plain_ordeal_secrets")
    target_link_libraries(${name} PRIVATE reached)
    target_link_options(${name} PRIVATE ${wraps})
  endif()
  if(name MATCHES "^test_")
    target_include_directories(${name} PRIVATE ${CRITERION_INCLUDE_DIR})
    target_link_libraries(${name} PRIVATE ${CRITERION_LIBRARY})
    if(HF_HAVE_NO_WARNINGS)
      target_link_options(${name} PRIVATE LINKER:--no-warnings)
    endif()
  endif()
  if(HF_SKIP_${name})
    message(STATUS "Skipped test ${name}: ${HF_SKIP_${name}}")
    add_test(NAME ${name} COMMAND ${CMAKE_COMMAND} -E echo "Skipped: ${HF_SKIP_${name}}")
    set_tests_properties(${name} PROPERTIES SKIP_REGULAR_EXPRESSION "^Skipped: ")
  elseif(name MATCHES "^test_")
    add_test(NAME ${name} COMMAND ${name} --tap=${HF_RESULTS}/${name}.tap)
  else()
    add_test(NAME ${name} COMMAND ${name})
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${HF_TEST_TIMEOUT})
endforeach()

# A field of a connection that nobody saves.
add_test(NAME save_fields COMMAND ${PROJECT_SOURCE_DIR}/tests/checks/save.py ${PROJECT_SOURCE_DIR})

# test_budget counts what the engine allocates: its copy of the engine calls the test's functions of these names.
if(TARGET test_budget)
  set(counted ${PROJECT_BINARY_DIR}/libhandfast_counted.a)
  set(renamed "")
  foreach(function IN ITEMS OPENSSL_malloc OPENSSL_realloc OPENSSL_memdup)
    list(APPEND renamed --redefine-sym ${function}=budget_${function})
  endforeach()
  add_custom_command(OUTPUT ${counted} DEPENDS handfast_static VERBATIM
    COMMAND ${CMAKE_OBJCOPY} ${renamed} $<TARGET_FILE:handfast_static> ${counted})
  add_custom_target(handfast_counted DEPENDS ${counted})
  add_dependencies(test_budget handfast_counted)
  target_link_options(test_budget PRIVATE LINKER:--whole-archive ${counted} LINKER:--no-whole-archive)
  set_target_properties(test_budget PROPERTIES LINK_DEPENDS ${counted})
endif()

# The ordeal of secrets stands between its caller and the engine, and between the engine and libcrypto.  Its leaky twin
# has an engine whose OPENSSL_cleanse does next to nothing, and fails if that is not noticed.
function(hf_leaky target source function)
  set(leaky ${PROJECT_BINARY_DIR}/libhandfast_${target}.a)
  add_custom_command(OUTPUT ${leaky} DEPENDS handfast_static VERBATIM
    COMMAND ${CMAKE_OBJCOPY} --redefine-sym ${function}=leaky_${function} $<TARGET_FILE:handfast_static> ${leaky})
  add_custom_target(${target}_engine DEPENDS ${leaky})
  add_executable(${target} ${source})
  set_target_properties(${target} PROPERTIES LINK_DEPENDS ${leaky}
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  add_dependencies(${target} ${target}_engine)
  hf_test_flags(${target})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include)
  target_compile_definitions(${target} PRIVATE HF_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  target_link_libraries(${target} PRIVATE testlib BoringSSL::Crypto)
  target_link_options(${target} PRIVATE LINKER:--whole-archive ${leaky} LINKER:--no-whole-archive)
  add_test(NAME ${target} COMMAND ${target} leaky)
  set_tests_properties(${target} PROPERTIES TIMEOUT ${HF_TEST_TIMEOUT})
endfunction()

function(hf_wrap target)
  foreach(function IN LISTS ARGN)
    target_link_options(${target} PRIVATE LINKER:--wrap=${function})
  endforeach()
endfunction()

if(TARGET plain_ordeal_secrets)
  hf_leaky(leaky_secrets tests/plain_ordeal_secrets.c OPENSSL_cleanse)
  foreach(target IN ITEMS plain_ordeal_secrets leaky_secrets)
    hf_wrap(${target}
      hf_hmac_key hf_hmac_once hf_hmac_sum hf_expand X25519 X25519_public_from_private BN_bin2bn BN_bn2bin_padded EC_POINT_mul
      EVP_AEAD_CTX_init EVP_AEAD_CTX_open EVP_AEAD_CTX_seal EVP_AEAD_CTX_seal_scatter OPENSSL_cleanse
      hf_config_new hf_new hf_free hf_abort hf_open hf_flush hf_seal hf_close hf_rekey hf_issue_ticket hf_refuse
      hf_answer_hello hf_answer_cookie hf_answer_session hf_answer_psk hf_answer_identity hf_answer_signature
      hf_answer_verdict hf_answer_decompress hf_answer_ticket hf_answer_done hf_answer_compress hf_quic_open
      hf_quic_flush)
  endforeach()
endif()

# A function that is bound when it is first called has ld.so put the vector registers on the stack, with what memcpy left
# in them.
if(TARGET plain_ordeal_ssl_secrets)
  hf_wrap(plain_ordeal_ssl_secrets hf_draw_entropy)
  target_link_options(plain_ordeal_ssl_secrets PRIVATE LINKER:-z,now)
endif()

# So does the ordeal under valgrind, which defines what is public; its leaky twin compares secrets byte by byte.
if(TARGET plain_ordeal_undefined)
  hf_leaky(leaky_undefined tests/plain_ordeal_undefined.c CRYPTO_memcmp)
  foreach(target IN ITEMS plain_ordeal_undefined leaky_undefined)
    hf_wrap(${target}
      hf_config_new hf_new hf_answer_session hf_answer_psk hf_flush hf_quic_flush SHA256 EVP_AEAD_CTX_open
      EVP_AEAD_CTX_seal EVP_AEAD_CTX_seal_scatter X25519 X25519_public_from_private EC_POINT_point2oct
      EC_POINT_mul EC_POINT_get_affine_coordinates_GFp BN_bn2bin_padded BN_is_zero BN_cmp hf_expand
      hf_transcript_add CRYPTO_memcmp CBS_mem_equal)
  endforeach()
endif()

# SPEC.md names the tests that show what the SSL_connect page says and what users of BIOs meet: they are there, and ran.
if(TEST_SOURCES)
  add_test(NAME spec_tests_exist COMMAND ${PROJECT_SOURCE_DIR}/tests/spec/generate --ids)
endif()
if(TEST_SOURCES AND NOT HF_TEST_FILTER)
  add_test(NAME spec_tests_ran COMMAND ${PROJECT_SOURCE_DIR}/tests/spec/generate --ran ${HF_RESULTS})
  set(ran_before "")
  foreach(source IN LISTS TEST_SOURCES)
    get_filename_component(name ${source} NAME_WE)
    list(APPEND ran_before ${name})
  endforeach()
  set_tests_properties(spec_tests_ran PROPERTIES DEPENDS "${ran_before}")
endif()

if(TARGET handfast_ssl_static)
  foreach(source IN LISTS EXAMPLE_SOURCES)
    get_filename_component(name ${source} NAME_WE)
    add_test(NAME example_${name} COMMAND example_${name})
    set_tests_properties(example_${name} PROPERTIES TIMEOUT 60)
  endforeach()
endif()

if(TARGET handfast_ssl_static AND NOT CMAKE_C_FLAGS MATCHES "fsanitize|coverage")
  add_test(NAME package COMMAND ${PROJECT_SOURCE_DIR}/tests/package/run ${PROJECT_BINARY_DIR} ${HF_RESULTS}/package.tap)
  set_tests_properties(package PROPERTIES TIMEOUT 120)
endif()

# What the benchmarks count exactly: bench/counts.json.
if(TARGET bench_engine AND NOT CMAKE_C_FLAGS MATCHES "fsanitize|coverage")
  add_test(NAME bench_counts COMMAND ${PROJECT_SOURCE_DIR}/bench/run.py ${PROJECT_BINARY_DIR} --check)
  set_tests_properties(bench_counts PROPERTIES TIMEOUT ${HF_TEST_TIMEOUT} SKIP_REGULAR_EXPRESSION "^Skipped: ")
endif()

# The program looks at the moment in which the engine has libcrypto verify a signature.
if(TARGET plain_memory)
  target_link_options(plain_memory PRIVATE LINKER:--wrap=EVP_DigestVerify)
endif()
